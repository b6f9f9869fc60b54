// SPDX-License-Identifier: Apache-2.0
// What a failed embedding says something about: the texts, how many they were, a workspace's budget, or the model. Pure.

import type { Failure } from '../../errors.ts';

/**
 * `model`: nothing can be embedded with it now, whatever the texts. `workspace`: nothing of this one. `large`: fewer at once
 * may do. `slow`: likewise, or the same again. `texts`: one of them may be at fault.
 */
export type EmbeddingFault = 'model' | 'workspace' | 'large' | 'slow' | 'texts';

/** Failures that say nothing about what was to be embedded. */
const OF_THE_MODEL: ReadonlySet<Failure['code']> = new Set<Failure['code']>([
  'overloaded',
  'draining',
  'validation_failed',
  'not_found',
  'provider_unavailable',
  'provider_auth',
  'provider_quota',
  'provider_rate_limited',
  'provider_overloaded',
  'provider_model_unknown',
  'provider_network',
]);

export function faultOf({ code, details }: Failure): EmbeddingFault {
  if (code === 'budget_exceeded') return details?.['scope'] === 'workspace' ? 'workspace' : 'model';
  if (OF_THE_MODEL.has(code)) return 'model';
  if (code === 'provider_too_large') return 'large';
  if (code === 'provider_timeout' || code === 'deadline_exceeded') return 'slow';
  // At an address without such an interface every request is a bad one, and a model of other dimensions gives no others.
  const about = details?.['about'];
  if (code === 'provider_bad_request') return about === 'request' ? 'texts' : 'model';
  return about === 'model' || about === 'key' ? 'model' : 'texts';
}

/** Whether a failure may have passed by itself: what it is said of is not given up before it has failed a few times more. */
export function mayPass({ code }: Failure): boolean {
  return code.startsWith('provider_') && code !== 'provider_bad_request' && code !== 'provider_too_large';
}
