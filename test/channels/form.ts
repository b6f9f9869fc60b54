// SPDX-License-Identifier: Apache-2.0
// A multipart form as a stand-in reads it.

export interface Form {
  readonly fields: Readonly<Record<string, string>>;
  readonly files: readonly { readonly field: string; readonly name: string; readonly data: Buffer }[];
}

/** @returns null where the body is no form */
export function readForm(contentType: string | undefined, body: Buffer): Form | null {
  const boundary = /boundary="?([^";]+)/.exec(contentType ?? '')?.[1];
  if (boundary === undefined) return null;
  const fields: Record<string, string> = {};
  const files: { field: string; name: string; data: Buffer }[] = [];
  for (const piece of body.toString('latin1').split(`--${boundary}`)) {
    const [head = '', ...more] = piece.split('\r\n\r\n');
    const data = Buffer.from(more.join('\r\n\r\n').replace(/\r\n$/, ''), 'latin1');
    const field = /[; ]name="?([^"\r\n;]+)/.exec(head)?.[1] ?? '';
    const name = /filename="?([^"\r\n;]+)/.exec(head)?.[1];
    if (name !== undefined) files.push({ field, name, data });
    else if (field !== '') fields[field] = data.toString();
  }
  return { fields, files };
}
