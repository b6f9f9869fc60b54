// SPDX-License-Identifier: Apache-2.0
// Providers over HTTP: what is wrong with each and what to do, those that were left out, and lanes that cannot say.

import { expect, it } from 'vitest';
import type { Quarantined } from '../../src/actors/gateway/protocol.ts';
import { failure, SigilError } from '../../src/errors.ts';
import { setUp } from './setup.ts';

const AT = '2026-01-01T00:00:00.000Z';
const LATER = '2026-01-01T00:05:00.000Z';
const well = {
  ...{ name: 'mine', state: 'closed', available: true, message: 'ready', in_flight: 0, waiting: 0, calls: 9 },
  ...{ waits_for: null, probes: 0 },
  ...{ failures: 0, last_error: null, retry_at: null, models: [] as unknown[] },
  waits_for: null,
  probes: 0,
  latency: { first_event_ms: { p50: 10, p95: 20, p99: 30 }, took_ms: null },
};
const quarantined: readonly Quarantined[] = [
  { what: 'providers.openai', code: 'validation_failed', message: 'It has no api_key.', advice: 'Set one.' },
  { what: 'channels.tg', code: 'validation_failed', message: 'No.', advice: 'No.' },
];
const known = {
  ...{ id: 'large', name: 'Large', provider: 'mine' },
  capabilities: {
    ...{ tools: true, vision: true, streaming: true, thinking: false },
    ...{ maxContextTokens: 9_000, maxOutputTokens: 900 },
  },
};
const providers = [{ name: 'mine', type: 'ollama', models: [known] }];

it('says what is wrong with a provider, its models and an entry that was left out, and what to do', async () => {
  const { client, house } = await setUp({}, { providers, quarantined });
  house.doors.set('provider/mine', () => well);
  expect((await client.call('GET', '/api/v1/providers/mine/health')).body).toMatchObject({
    ...{ name: 'mine', healthy: true, problems: [] },
    latency: well.latency,
  });
  const last_error = { code: 'provider_auth', message: 'mine answered 401', at: AT };
  const model_error = { code: 'provider_model_unknown', message: 'There is none', at: AT };
  house.doors.set('provider/mine', () => ({
    ...{ ...well, state: 'half_open', last_error, retry_at: LATER },
    models: [{ model: 'large', state: 'open', retry_at: LATER, last_error: model_error }],
  }));
  const { body } = await client.call('GET', '/api/v1/providers');
  expect(body.items).toMatchObject([
    {
      ...{ name: 'mine', type: 'ollama', state: 'half_open', calls: 9 },
      problems: [
        {
          what: 'mine',
          message: 'It is being tried again after a failure. mine answered 401.',
          advice: expect.stringMatching(
            /`providers\.mine\.api_key`; `sigil secret set`.* It is tried again at 2026-01-01T00:05/,
          ),
        },
        { what: 'mine/large', message: 'It is not asked after repeated failures. There is none.' },
      ],
    },
    {
      ...{ name: 'openai', type: '', state: 'quarantined', available: false },
      problems: [{ what: 'openai', message: 'It has no api_key.', advice: 'Set one.' }],
    },
  ]);
  expect((await client.call('GET', '/api/v1/providers/openai/health')).body).toMatchObject({ healthy: false });
  expect(await client.call('GET', '/api/v1/providers/openai/models')).toMatchObject({
    ...{ status: 502, body: { code: 'provider_unavailable', detail: 'It has no api_key. Set one.' } },
  });
  house.doors.set('provider/mine', () => {
    throw new SigilError(failure('thread_lost', 'Its thread ended.'));
  });
  expect((await client.call('GET', '/api/v1/providers/mine')).body).toMatchObject({
    ...{ state: 'unreachable', available: false, problems: [{ message: 'Its thread ended.' }] },
  });
  expect((await client.call('GET', '/api/v1/providers/tg')).body.detail).toContain('Known providers: mine, openai.');
  expect((await client.call('GET', '/api/v1/providers/a%2Fb')).status).toBe(404);
  expect((await client.call('GET', '/api/v1/providers', { token: 'wrong' })).status).toBe(401);
});

it('tells what is known of the models when no lane can say, and why', async () => {
  const { client, house } = await setUp({}, { providers, threads: ['main', 'lane-1', 'lane-2'] });
  const asked: string[] = [];
  const lost = (lane: string) => () => {
    asked.push(lane);
    throw new SigilError(failure('thread_lost', `${lane} ended.`));
  };
  house.doors.set('thread/lane-1 thread.models', lost('lane-1'));
  house.doors.set('thread/lane-2 thread.models', lost('lane-2'));
  const { body } = await client.call('GET', '/api/v1/providers/mine/models');
  expect(body).toMatchObject({
    ...{ live: false, reason: 'lane-1 ended.', total: 1, next_cursor: null },
    items: [{ id: 'large', capabilities: { max_context_tokens: 9_000 } }],
  });
  expect(asked).toEqual(['lane-1', 'lane-2', 'lane-1']);
  house.doors.set('thread/lane-2 thread.models', () => ({ models: [], live: true, reason: null }));
  expect((await client.call('GET', '/api/v1/providers/mine/models')).body).toMatchObject({ items: [], live: true });
  house.doors.set('thread/lane-1 thread.models', () => {
    throw new SigilError(failure('provider_unavailable', 'mine cannot be made.'));
  });
  expect((await client.call('GET', '/api/v1/providers/mine/models')).body.reason).toBe('mine cannot be made.');
  expect((await client.call('GET', '/api/v1/providers/mine/models?cursor=bm9uc2Vuc2U')).status).toBe(422);
});
