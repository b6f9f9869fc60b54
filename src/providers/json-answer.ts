// SPDX-License-Identifier: Apache-2.0
// A vendor's answer as JSON, read up to a bound and parsed by a schema.

import type { z } from 'zod';
import { SigilError } from '../errors.ts';
import type { World } from '../world.ts';
import { type Asked, excerpt, failureWithin, providerFailure, reasonOf } from './failures.ts';

/** Bytes an answer may have: a batch of vectors is the largest. */
const ANSWER_MOST = 64 * 1_048_576;

/**
 * Reads the whole of an answer.
 *
 * @throws SigilError `provider_error` when it is too large or not what the schema says
 */
export async function jsonAnswer<Schema extends z.ZodType>(
  response: Response,
  schema: Schema,
  asked: Asked,
): Promise<z.output<Schema>> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > ANSWER_MOST) throw wrong(asked, `more than ${ANSWER_MOST} bytes`);
  }
  try {
    return schema.parse(JSON.parse(Buffer.concat(chunks).toString()));
  } catch (thrown) {
    throw wrong(asked, excerpt(thrown instanceof Error ? thrown.message : String(thrown)));
  }
}

function wrong(asked: Asked, why: string): SigilError {
  const message = `${asked.provider} sent what cannot be understood (${why}). Check \`endpoint\`.`;
  return new SigilError(providerFailure('provider_error', asked, message));
}

export interface Timed {
  readonly asked: Asked;
  /** Milliseconds until it must be there, all of it. */
  readonly within: number;
  readonly after: World['after'];
  readonly signal?: AbortSignal | undefined;
  readonly failureOf: (thrown: unknown) => ReturnType<typeof failureWithin>;
}

/**
 * Runs one question that is answered at once and not streamed.
 *
 * @throws SigilError with the codes of a call
 */
export async function timed<Answer>(options: Timed, ask: (signal: AbortSignal) => Promise<Answer>): Promise<Answer> {
  const { asked, within, after, signal, failureOf } = options;
  const control = new AbortController();
  const abort = (): void => control.abort(signal?.reason);
  if (signal?.aborted === true) abort();
  signal?.addEventListener('abort', abort, { once: true });
  let late = false;
  const stop = after(within, () => {
    late = true;
    control.abort();
  });
  try {
    return await ask(control.signal);
  } catch (thrown) {
    const message = `${asked.provider} did not answer within ${within / 1000} s.`;
    const error = late
      ? providerFailure('provider_timeout', asked, message)
      : (failureWithin(thrown) ??
        failureOf(thrown) ??
        providerFailure('provider_network', asked, `${asked.provider} could not be reached (${reasonOf(thrown)}).`));
    throw new SigilError(error, { cause: thrown });
  } finally {
    stop();
    signal?.removeEventListener('abort', abort);
  }
}
