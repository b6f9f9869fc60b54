// SPDX-License-Identifier: Apache-2.0
// Reading a request's body: how much, of what type, and as the schema of the route wants it.

import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import type { Exchange } from './exchange.ts';
import type { HeldBytes } from './limits.ts';
import { type FieldProblem, invalid, Refusal } from './problem.ts';

/** Longest body accepted, in bytes. */
export const BODY_LIMIT = 1024 * 1024;

const { isUtf8 } = process.getBuiltinModule('node:buffer');

/** Reads the body as JSON and as the schema says. An empty body is `undefined` to the schema where that is allowed. */
export async function readBody<S extends z.ZodType>(
  exchange: Exchange,
  schema: S,
  empty: 'refused' | 'allowed' = 'refused',
): Promise<z.output<S>> {
  const { request } = exchange;
  const { headers } = request;
  const declared = headers['content-length'];
  const bodiless = declared === '0' || (declared === undefined && headers['transfer-encoding'] === undefined);
  if (declared !== undefined && Number(declared) > BODY_LIMIT) throw tooLarge();
  if (!bodiless || headers['content-type'] !== undefined)
    checkType(headers['content-type'], headers['content-encoding']);
  else if (empty === 'refused') checkType(undefined, undefined);
  if (headers.expect !== undefined) exchange.response.writeContinue();
  const bytes = await collect(request, exchange.bodies);
  if (bytes.length === 0 && empty === 'allowed') return parse(schema, {});
  return parse(schema, parseJson(bytes));
}

/**
 * The body as it came, of any type.
 *
 * @param held what all bodies of the kind may hold until they are whole
 * @throws Refusal
 */
export async function readBytes({ request, response }: Exchange, held: HeldBytes): Promise<Buffer> {
  const { 'content-length': declared, expect } = request.headers;
  if (declared !== undefined && Number(declared) > BODY_LIMIT) throw tooLarge();
  if (expect !== undefined) response.writeContinue();
  return collect(request, held);
}

/** Longest body that is worked on as it comes, in bytes. */
const LINES_LIMIT = 1024 * 1024 * 1024;
const LINES_TYPE = /^(?:application\/(?:x-ndjson|jsonl|jsonlines|x-jsonlines)|text\/plain)\s*(?:;|$)/i;

/** The body as it comes in, of lines of JSON: never all of it is held. @throws Refusal while it is read */
export async function* bodyLines({ request, response }: Exchange): AsyncGenerator<Uint8Array> {
  const { 'content-type': type, 'content-encoding': encoding, expect } = request.headers;
  if (type === undefined || !LINES_TYPE.test(type.trim()) || (encoding !== undefined && encoding !== 'identity')) {
    throw new Refusal(
      'unsupported_media_type',
      'The body must be lines of JSON, as application/x-ndjson, uncompressed.',
    );
  }
  if (expect !== undefined) response.writeContinue();
  let length = 0;
  // Whoever stops reading has an answer to give: the connection stays.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    length += (chunk as Buffer).length;
    if (length > LINES_LIMIT) throw new Refusal('payload_too_large', `A body of lines may hold ${LINES_LIMIT} bytes.`);
    yield chunk as Buffer;
  }
  if (!request.complete) throw new Refusal('validation_failed', 'The body ended before it was whole.');
}

/** Types of a body that is an archive. */
export const ARCHIVE_TYPES = ['application/gzip', 'application/x-tar', 'application/zip'] as const;
const ARCHIVE_TYPE =
  /^application\/(?:gzip|x-gzip|x-tar|tar\+gzip|x-gtar|zip|x-zip-compressed|octet-stream)\s*(?:;|$)/i;

/** The body as it comes in, of an archive, whose length whoever takes it bounds. @throws Refusal while it is read */
export async function* bodyArchive({ request, response }: Exchange): AsyncGenerator<Uint8Array> {
  const { 'content-type': type, 'content-encoding': encoding, expect } = request.headers;
  if (type === undefined || !ARCHIVE_TYPE.test(type.trim()) || (encoding !== undefined && encoding !== 'identity')) {
    const types = ARCHIVE_TYPES.join(', ');
    throw new Refusal('unsupported_media_type', `The body must be an archive (${types}) or application/json.`);
  }
  if (expect !== undefined) response.writeContinue();
  // Whoever stops reading has an answer to give: the connection stays.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
  if (!request.complete) throw new Refusal('validation_failed', 'The body ended before it was whole.');
}

function tooLarge(): Refusal {
  return new Refusal('payload_too_large', `A body may hold ${BODY_LIMIT} bytes at most.`);
}

const JSON_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?;?$/i;

function checkType(type: string | undefined, encoding: string | undefined): void {
  if (type === undefined || !JSON_TYPE.test(type.trim())) {
    throw new Refusal(
      'unsupported_media_type',
      `The body must be application/json in UTF-8, not ${type === undefined ? 'of no type' : `\`${type.slice(0, 100)}\``}.`,
    );
  }
  if (encoding !== undefined && encoding !== 'identity') {
    throw new Refusal('unsupported_media_type', 'The body must not be compressed.');
  }
}

function collect(request: IncomingMessage, bodies: HeldBytes): Promise<Buffer> {
  let length = 0;
  const whole = new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      if (!bodies.take(chunk.length)) {
        request.off('data', onData);
        reject(new Refusal('overloaded', 'Too many bodies are on their way here at once.'));
        return;
      }
      if (length > BODY_LIMIT) {
        request.off('data', onData);
        reject(tooLarge());
        return;
      }
      chunks.push(chunk);
    };
    request.on('data', onData);
    request.once('end', () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    );
    request.once('error', reject);
    // A body that stops half-way raises no error of its own on every path; nobody is left to read the answer then.
    request.once('close', () => {
      if (!request.complete) reject(new Refusal('validation_failed', 'The body ended before it was whole.'));
    });
  });
  return whole.finally(() => bodies.give(length));
}

function parseJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw invalid([{ path: '', message: 'the body is not UTF-8' }]);
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : 'unreadable';
    // The parser's message quotes the text around the mistake: enough of it to find the place, never all.
    throw invalid([{ path: '', message: `the body is not JSON: ${reason.slice(0, 120)}` }]);
  }
}

/** What the schema makes of a value, or a refusal that lists everything wrong with it. */
export function parse<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalid(result.error.issues.flatMap((issue) => fieldProblems(issue)));
}

const MOST_PROBLEMS = 50;

function fieldProblems(issue: z.core.$ZodIssue): readonly FieldProblem[] {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const inside = path === '' ? '' : `${path}.`;
    return issue.keys
      .slice(0, MOST_PROBLEMS)
      .map((key) => ({ path: `${inside}${key.slice(0, 100)}`, message: 'unknown field' }));
  }
  return [{ path, message: issue.message }];
}

/** The query as the schema wants it. A name given twice counts with its last value. */
export function readQuery<S extends z.ZodType>(exchange: Exchange, schema: S): z.output<S> {
  return parse(schema, Object.fromEntries(exchange.query));
}
