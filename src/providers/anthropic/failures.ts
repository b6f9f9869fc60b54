// SPDX-License-Identifier: Apache-2.0
// What Anthropic's errors are to us: by their HTTP status, or by their type where they come inside a stream.

import type { Failure } from '../../errors.ts';
import { type Asked, type ProviderCode, refusalFailure } from '../failures.ts';
import { ClaudeErrorBody } from './wire.ts';

/** The status each type of error has when it is an answer of its own (https://platform.claude.com/docs/en/api/errors). */
const STATUS: ReadonlyMap<string, number> = new Map([
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['billing_error', 402],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['request_too_large', 413],
  ['rate_limit_error', 429],
  ['api_error', 500],
  ['timeout_error', 504],
  ['overloaded_error', 529],
]);

/** An account without credit answers 400, and only its words tell. */
const NO_CREDIT = /credit balance is too low|spend(?:ing)? limit/i;

function codeOf(status: number, message: string): ProviderCode | undefined {
  return status === 400 && NO_CREDIT.test(message) ? 'provider_quota' : undefined;
}

export interface ClaudeRefusal {
  /** Undefined when the error came inside a stream. */
  readonly status: number | undefined;
  readonly headers: Headers;
  /** The error's body, whatever it is. */
  readonly body: unknown;
}

/**
 * The failure of an answer or an `error` event, with the request's id for the vendor's support.
 *
 * @param now epoch milliseconds
 */
export function claudeFailure(asked: Asked, { status, headers, body }: ClaudeRefusal, now: number): Failure {
  const parsed = ClaudeErrorBody.safeParse(body);
  const type = parsed.data?.error.type ?? undefined;
  const said = parsed.data?.error.message ?? '';
  const requestId = headers.get('request-id') ?? parsed.data?.request_id ?? '';
  const known = status ?? STATUS.get(type ?? '') ?? 500;
  const words = said === '' ? (type ?? '') : said;
  const message = requestId === '' ? words : `${words}${words === '' ? '' : ' '}(request ${requestId})`;
  return refusalFailure(asked, { status: known, headers, message, vendorCode: type, code: codeOf(known, said) }, now);
}
