// SPDX-License-Identifier: Apache-2.0
// What goes wrong with a vendor, as codes: told from its answer's status and words, or from what broke on the way.

import { type ErrorCode, type Failure, failure, SigilError } from '../errors.ts';
import type { FailureScope, ProviderFailureDetails } from './provider.ts';

/** Characters kept of what a vendor says. */
const SAID_MOST = 500;
/** No vendor means longer; a clock that is wrong may seem to. */
const RETRY_AFTER_MOST = 24 * 60 * 60 * 1000;

/** The codes a call to a vendor ends with. */
export type ProviderCode = Extract<ErrorCode, `provider_${string}`>;

/** What each is about unless a vendor knows better. */
const ABOUT: Readonly<Record<ProviderCode, FailureScope>> = {
  provider_unavailable: 'provider',
  provider_error: 'provider',
  provider_auth: 'key',
  provider_quota: 'key',
  provider_rate_limited: 'key',
  provider_overloaded: 'provider',
  provider_model_unknown: 'model',
  provider_too_large: 'request',
  provider_bad_request: 'request',
  provider_network: 'provider',
  provider_timeout: 'provider',
  provider_ended_early: 'provider',
};

/** Who was asked. */
export interface Asked {
  readonly provider: string;
  readonly model?: string | undefined;
}

type More = { readonly [Key in keyof ProviderFailureDetails]?: ProviderFailureDetails[Key] | undefined };

/** A failure of a provider, with what it is about. */
export function providerFailure(code: ProviderCode, asked: Asked, message: string, more: More = {}): Failure {
  const { provider, model } = asked;
  const known = Object.entries({ provider, model, about: ABOUT[code], ...more }).filter(
    ([, value]) => value !== undefined,
  );
  return failure(code, message, Object.fromEntries(known));
}

/** What a vendor said, short enough to show. */
export function excerpt(said: string): string {
  const text = said.replace(/\s+/g, ' ').trim().toWellFormed();
  return text.length > SAID_MOST ? `${text.slice(0, SAID_MOST).toWellFormed()}…` : text;
}

/**
 * How long an answer asks to be left alone, in milliseconds: `retry-after-ms`, else `retry-after` in seconds or as a date
 * (RFC 9110 §10.2.3). Undefined when it does not say.
 *
 * @param now epoch milliseconds
 */
export function retryAfter(headers: Headers, now: number): number | undefined {
  const within = (ms: number): number | undefined =>
    Number.isFinite(ms) && ms >= 0 ? Math.min(Math.ceil(ms), RETRY_AFTER_MOST) : undefined;
  const exact = headers.get('retry-after-ms');
  if (exact !== null && exact.trim() !== '') return within(Number(exact));
  const written = headers.get('retry-after')?.trim() ?? '';
  if (written === '') return undefined;
  const seconds = Number(written);
  return Number.isNaN(seconds) ? within(Math.max(0, Date.parse(written) - now)) : within(seconds * 1000);
}

/** An answer that is not the one asked for. */
export interface Refusal {
  readonly status: number;
  readonly headers: Headers;
  /** What the vendor says is wrong; empty when its body was none of its own. */
  readonly message: string;
  /** The vendor's own name for it, such as `context_length_exceeded`. */
  readonly vendorCode?: string | undefined;
  /** Where the vendor's own name settles it: comes before the status. */
  readonly code?: ProviderCode | undefined;
  readonly about?: FailureScope | undefined;
}

const TOO_LONG =
  /context.{0,20}(?:length|window|size)|maximum.{0,20}(?:context|tokens)|too many (?:input )?tokens|(?:prompt|input|request).{0,20}too (?:long|large)/i;

function codeOf({ status, message }: Refusal): ProviderCode {
  switch (status) {
    case 401:
    case 403:
      return 'provider_auth';
    case 402:
      return 'provider_quota';
    case 404:
      // A vendor that knows its own address speaks of the model; anything else is a wrong endpoint.
      return /model/i.test(message) ? 'provider_model_unknown' : 'provider_bad_request';
    case 408:
    case 504:
      return 'provider_timeout';
    case 413:
      return 'provider_too_large';
    case 429:
      return 'provider_rate_limited';
    case 503:
    case 529:
      return 'provider_overloaded';
    default:
      if (status >= 500) return 'provider_error';
      return TOO_LONG.test(message) ? 'provider_too_large' : 'provider_bad_request';
  }
}

/**
 * What an answer with an error's status is.
 *
 * @param now epoch milliseconds, for a `retry-after` that is a date
 */
export function refusalFailure(asked: Asked, refusal: Refusal, now: number): Failure {
  const { status, headers, message, vendorCode, about } = refusal;
  const code = refusal.code ?? codeOf(refusal);
  const said = message === '' ? '' : `: ${excerpt(message)}`;
  const lost = status === 404 && code === 'provider_bad_request';
  const hint = lost || (status >= 300 && status < 400) ? ' Check `endpoint`: there is no such interface at it.' : '';
  return providerFailure(
    code,
    asked,
    `${asked.provider} answered ${status}${said}.${hint}`.replace(/\.\.(?= |$)/, '.'),
    {
      about: about ?? (hint === '' ? undefined : 'provider') ?? ABOUT[code],
      status,
      vendor_code: vendorCode,
      retry_after_ms: retryAfter(headers, now),
    },
  );
}

/** The failure inside what was thrown, however deep a library has wrapped it. */
export function failureWithin(thrown: unknown): Failure | undefined {
  let at = thrown;
  for (let depth = 0; depth < 8 && at instanceof Error; depth += 1) {
    if (at instanceof SigilError) return at.failure;
    at = at.cause;
  }
  return undefined;
}

/** What broke on the way, in the words of the system: the code of its deepest cause, else its message. */
export function reasonOf(thrown: unknown): string {
  let reason = 'unknown';
  let at = thrown;
  for (let depth = 0; depth < 8 && at instanceof Error; depth += 1) {
    reason = 'code' in at && typeof at.code === 'string' ? `${at.code}: ${at.message}` : at.message;
    at = at.cause;
  }
  return excerpt(reason);
}
