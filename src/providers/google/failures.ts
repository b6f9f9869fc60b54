// SPDX-License-Identifier: Apache-2.0
// What the Gemini API's errors are to us: by their HTTP status, which its body repeats inside a stream.

import type { Failure } from '../../errors.ts';
import { type Asked, type ProviderCode, refusalFailure } from '../failures.ts';
import { GeminiErrorBody } from './wire.ts';

export interface GeminiRefusal {
  /** Undefined when the error came inside a stream. */
  readonly status: number | undefined;
  readonly headers: Headers;
  /** The error's body, whatever it is. */
  readonly body: unknown;
}

/** How long to wait stands in the body: `retryDelay: "34.07s"` (google.rpc.RetryInfo). */
function withDelay(headers: Headers, delay: string | undefined): Headers {
  const seconds = delay === undefined ? null : /^(\d+(?:\.\d+)?)s$/.exec(delay);
  if (seconds === null || headers.has('retry-after') || headers.has('retry-after-ms')) return headers;
  const more = new Headers(headers);
  more.set('retry-after-ms', String(Math.ceil(Number(seconds[1]) * 1000)));
  return more;
}

/**
 * The failure of an answer, or of an error inside a stream.
 *
 * @param now epoch milliseconds
 */
export function geminiFailure(asked: Asked, { status, headers, body }: GeminiRefusal, now: number): Failure {
  const error = GeminiErrorBody.safeParse(body).data?.error;
  const details = error?.details ?? [];
  // A key that does not exist is answered 400, and so is a body of too many bytes.
  const badKey = details.some(({ reason }) => reason === 'API_KEY_INVALID');
  const tooLarge = /payload size exceeds/i.test(error?.message ?? '');
  const code: ProviderCode | undefined = badKey ? 'provider_auth' : tooLarge ? 'provider_too_large' : undefined;
  const delay = details.find(({ retryDelay }) => retryDelay !== undefined)?.retryDelay;
  return refusalFailure(
    asked,
    {
      status: status ?? error?.code ?? 500,
      headers: withDelay(headers, delay),
      message: error?.message ?? '',
      vendorCode: error?.status ?? undefined,
      code,
    },
    now,
  );
}
