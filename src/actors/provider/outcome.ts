// SPDX-License-Identifier: Apache-2.0
// What the outcome of a call says about the vendor: that it is well, that it failed and in what, or nothing.

import type { CallOutcome, LastError } from './protocol.ts';

/** A failure the vendor is to blame for. */
export interface Fault {
  /** A model's failures are counted apart: the provider's other models are not to blame. */
  readonly about: 'provider' | 'key' | 'model';
  /** The model that was asked. */
  readonly model: string;
  readonly error: LastError;
  /** It need not be seen again: it opens the circuit the first time. */
  readonly at_once: boolean;
  /** The key was refused, or pays for nothing any more: another would help, and at once. */
  readonly key_refused: boolean;
  readonly retry_after_ms: number | undefined;
}

export type Verdict =
  | { readonly type: 'well' }
  | { readonly type: 'fault'; readonly fault: Fault }
  /** The vendor understood the request and refuses this one. */
  | { readonly type: 'answered' }
  /** It is about us, not about the vendor: a cancelled turn, or one whose time was over. */
  | { readonly type: 'nothing' };

/** What is meant where an outcome does not say what it is about. */
const ABOUT: Readonly<Record<string, NonNullable<CallOutcome['about']>>> = {
  provider_auth: 'key',
  provider_quota: 'key',
  provider_rate_limited: 'key',
  provider_model_unknown: 'model',
  provider_too_large: 'request',
  provider_bad_request: 'request',
};

const WELL: Verdict = { type: 'well' };

/** Failures no second call would find otherwise. */
const CERTAIN: ReadonlySet<string> = new Set(['provider_auth', 'provider_quota']);

/** @param at the time now, RFC 3339: only asked for where something failed */
export function verdictOf(call: CallOutcome, model: string, at: () => string): Verdict {
  const { outcome: code, message = '' } = call;
  // Some say 0, which asks for nothing.
  const retry_after_ms = call.retry_after_ms === 0 ? undefined : call.retry_after_ms;
  if (code === 'ok') return WELL;
  // Only a vendor's failures have such codes; what else ends a call is ours.
  if (!code.startsWith('provider_')) return { type: 'nothing' };
  const about = call.about ?? ABOUT[code] ?? 'provider';
  if (about === 'request') return { type: 'answered' };
  const certain = CERTAIN.has(code);
  const fault: Fault = {
    about,
    model,
    error: { code, message, at: at() },
    at_once: certain || retry_after_ms !== undefined,
    key_refused: certain && about === 'key',
    retry_after_ms,
  };
  return { type: 'fault', fault };
}
