// SPDX-License-Identifier: Apache-2.0
// What OpenAI, OpenRouter and servers like theirs mean by the names of their errors.

import { z } from 'zod';
import type { Failure } from '../../errors.ts';
import { type Asked, excerpt, type ProviderCode, providerFailure, type Refusal } from '../failures.ts';

/** Names that say more than the status they come with. */
const NAMES: ReadonlyMap<string, ProviderCode> = new Map([
  ['insufficient_quota', 'provider_quota'],
  ['billing_hard_limit_reached', 'provider_quota'],
  ['billing_not_active', 'provider_quota'],
  ['invalid_api_key', 'provider_auth'],
  ['authentication_error', 'provider_auth'],
  ['model_not_found', 'provider_model_unknown'],
  ['context_length_exceeded', 'provider_too_large'],
  ['string_above_max_length', 'provider_too_large'],
  ['exceed_context_size_error', 'provider_too_large'],
  ['rate_limit_exceeded', 'provider_rate_limited'],
  ['overloaded', 'provider_overloaded'],
  ['overloaded_error', 'provider_overloaded'],
  ['server_is_overloaded', 'provider_overloaded'],
  ['slow_down', 'provider_overloaded'],
]);

/** What OpenRouter adds: whose answer it passes on, in whose words, and what a moderator disliked. */
const Metadata = z
  .object({ provider_name: z.string(), raw: z.union([z.string(), z.unknown()]), reasons: z.array(z.string()) })
  .partial();

/** A refusal with what its names tell. */
export function judge(refusal: Refusal, metadata?: unknown): Refusal {
  const named = NAMES.get(refusal.vendorCode ?? '');
  const parsed = Metadata.safeParse(metadata);
  const { provider_name, raw, reasons } = parsed.success ? parsed.data : {};
  const told = [refusal.message, ...(reasons ?? []), ...(typeof raw === 'string' ? [raw] : [])].filter(
    (part) => part !== '',
  );
  const message = told.join(' – ');
  // It was the words, not the key.
  if (reasons !== undefined && refusal.status === 403) return { ...refusal, message, code: 'provider_bad_request' };
  const judged = { ...refusal, message, ...(named !== undefined && { code: named }) };
  // Passed on from whoever runs this one model; others of the same list may be fine.
  return provider_name !== undefined && refusal.status >= 429 ? { ...judged, about: 'model' } : judged;
}

/** An error inside a stream: it has no status, though some give one as its code. */
export const StreamedError = z.object({
  message: z.string().nullish(),
  code: z.union([z.string(), z.number()]).nullish(),
  type: z.string().nullish(),
});

const STATUSES: Readonly<Record<string, ProviderCode>> = {
  402: 'provider_quota',
  408: 'provider_timeout',
  429: 'provider_rate_limited',
  503: 'provider_overloaded',
  529: 'provider_overloaded',
};

/** What an error in the middle of a stream is. */
export function streamedFailure(asked: Asked, error: z.infer<typeof StreamedError>): Failure {
  const { message, code, type } = error;
  const names = [String(code ?? ''), type ?? ''];
  const known = names.map((name) => NAMES.get(name) ?? STATUSES[name]).find((one) => one !== undefined);
  const said = excerpt(message ?? '') || 'it does not say why';
  const text = `${asked.provider} gave up in the middle of its answer: ${said}`;
  return providerFailure(known ?? 'provider_error', asked, /[.!?]$/.test(text) ? text : `${text}.`, {
    vendor_code: names.find((name) => name !== ''),
  });
}
