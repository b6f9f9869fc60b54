// SPDX-License-Identifier: Apache-2.0
// A body of multipart/form-data with one file in it, read within its limit.

import type { Exchange } from './exchange.ts';
import { invalid, Refusal } from './problem.ts';

export interface FormFile {
  readonly name: string;
  readonly media_type: string;
  readonly data: Uint8Array;
}

/** What a form has besides its file: borders, headers. In bytes. */
const FRAME = 64 * 1024;
const FORM_TYPE = /^multipart\/form-data\s*;\s*\S/i;

/** The one file of a form, in the field `file`. @param most bytes it may have */
export async function bodyFile({ request, response }: Exchange, most: number): Promise<FormFile> {
  const { 'content-type': type = '', 'content-encoding': encoding, 'content-length': length, expect } = request.headers;
  if (!FORM_TYPE.test(type.trim()) || (encoding !== undefined && encoding !== 'identity'))
    throw new Refusal(
      'unsupported_media_type',
      'The body must be multipart/form-data with a file in the field `file`.',
    );
  const tooLarge = (): Refusal => new Refusal('payload_too_large', `A file may have ${most} bytes at most.`);
  if (length !== undefined && Number(length) > most + FRAME) throw tooLarge();
  if (expect !== undefined) response.writeContinue();
  const chunks: Buffer[] = [];
  let held = 0;
  // Whoever stops reading has an answer to give: the connection stays.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    held += (chunk as Buffer).length;
    if (held > most + FRAME) throw tooLarge();
    chunks.push(chunk as Buffer);
  }
  if (!request.complete) throw new Refusal('validation_failed', 'The body ended before it was whole.');
  const form = await new Response(Buffer.concat(chunks), { headers: { 'content-type': type } }).formData().catch(() => {
    throw invalid([{ path: '', message: 'the body is no multipart/form-data' }]);
  });
  const [file, ...others] = form.getAll('file');
  if (!(file instanceof File) || others.length > 0) throw invalid([{ path: 'file', message: 'is not one file' }]);
  if (file.size > most) throw tooLarge();
  return { name: file.name, media_type: file.type, data: new Uint8Array(await file.arrayBuffer()) };
}
