// SPDX-License-Identifier: Apache-2.0
// What those are told who may make no call: which circuit is open, over what, when it is tried again, and what to do.

import { type Failure, failure } from '../../errors.ts';
import type { Fault } from './outcome.ts';

/** A circuit that is not closed. */
export interface OpenCircuit {
  readonly fault: Fault;
  /** In milliseconds. */
  readonly retry_after_ms: number;
  /** RFC 3339. */
  readonly retry_at: string;
}

/** What is wrong, and what to do where a person can do something. */
export function troubleText(name: string, { error, about, model }: Fault, advice: string): string {
  const said = `${error.code}${error.message === '' ? '' : `: ${error.message.replace(/\.$/, '')}`}`;
  if (error.code === 'provider_auth' && about === 'key') return `${name} refused its key (${said}). ${advice}`;
  if (error.code === 'provider_quota')
    return `The account of ${name} is exhausted (${said}). Top it up at the vendor, or use another key: ${advice}`;
  const what = about === 'model' ? `${name}/${model}` : name;
  return `${what} fails; its last error was ${said}.`;
}

/** @param advice what would give the provider a key that works */
export function refusal(name: string, circuit: OpenCircuit, advice: string): Failure {
  const { fault, retry_after_ms, retry_at } = circuit;
  const { about, model } = fault;
  const details =
    about === 'model' ? { provider: name, model, about, retry_after_ms } : { provider: name, about, retry_after_ms };
  const message = `${troubleText(name, fault, advice)} The circuit is open: it is tried again at ${retry_at}.`;
  return failure('provider_unavailable', message, details);
}

/** A request that could wait for ever. */
export function neverFits(name: string, model: string, tokens: number, most: number): Failure {
  const message =
    `${name}: this request may use ${tokens} tokens, and its tokens_per_minute is ${most}. ` +
    'Send less, or raise the limit.';
  return failure('provider_too_large', message, { provider: name, model, about: 'provider' });
}
