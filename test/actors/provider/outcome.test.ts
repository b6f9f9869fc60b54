// SPDX-License-Identifier: Apache-2.0
// What a call's outcome says about its vendor, and what it does not.

import { expect, it } from 'vitest';
import { verdictOf } from '../../../src/actors/provider/outcome.ts';
import type { CallOutcome } from '../../../src/actors/provider/protocol.ts';

const of = (outcome: CallOutcome['outcome'], more: Partial<CallOutcome> = {}) =>
  verdictOf({ outcome, took_ms: 1, ...more }, 'm', () => 'now');

it.each([
  ['ok', {}, { type: 'well' }],
  ['cancelled', {}, { type: 'nothing' }],
  ['deadline_exceeded', {}, { type: 'nothing' }],
  ['internal', {}, { type: 'nothing' }],
  ['provider_too_large', {}, { type: 'answered' }],
  ['provider_error', { about: 'request' }, { type: 'answered' }],
  ['provider_error', {}, { fault: { about: 'provider', at_once: false, key_refused: false } }],
  ['provider_network', { message: 'no' }, { fault: { error: { code: 'provider_network', message: 'no', at: 'now' } } }],
  ['provider_auth', {}, { fault: { about: 'key', at_once: true, key_refused: true } }],
  ['provider_auth', { about: 'model' }, { fault: { about: 'model', model: 'm', at_once: true, key_refused: false } }],
  ['provider_quota', { about: 'key' }, { fault: { about: 'key', at_once: true, key_refused: true } }],
  // Another key might help; but the one that is there will do, later.
  ['provider_rate_limited', { retry_after_ms: 5 }, { fault: { at_once: true, key_refused: false, retry_after_ms: 5 } }],
  ['provider_rate_limited', { retry_after_ms: 0 }, { fault: { at_once: false, retry_after_ms: undefined } }],
  ['provider_rate_limited', {}, { fault: { about: 'key', at_once: false } }],
  ['provider_model_unknown', {}, { fault: { about: 'model', at_once: false } }],
  ['provider_bad_request', { about: 'provider' }, { fault: { about: 'provider' } }],
] as const)('%s %o', (outcome, more, verdict) => {
  expect(of(outcome, more)).toMatchObject(verdict);
});
