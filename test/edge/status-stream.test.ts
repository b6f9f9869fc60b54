// SPDX-License-Identifier: Apache-2.0
// Changes of the status over HTTP: who hears what, what comes again to those who come back, and what a slow reader gets.

import { expect, it } from 'vitest';
import { STATUS_TOPIC, type StatusChange, type StatusEvent } from '../../src/actors/gateway/protocol.ts';
import { address } from '../../src/bus/address.ts';
import { topic } from '../../src/bus/envelope.ts';
import { parseEvents, readAlong, type ServerEvent, until } from './client.ts';
import { grant } from './fake-house.ts';
import { type Setup, setUp } from './setup.ts';

const AT = '2026-01-01T00:00:00.000Z';
const tokens = [
  grant('owner-token', 'owner', ['admin:*']),
  grant('anna-token', 'anna', []),
  grant('bo-token', 'bo', []),
];

function tell({ house }: Setup, thread: string, ...changes: readonly StatusChange[]): void {
  const events = changes.map((change): StatusEvent => ({ ...change, at: AT }));
  house.publish(topic<StatusEvent>(address('thread', thread), STATUS_TOPIC), events);
}

/** Without the frame that is still on its way. */
const whole = (text: string): string => text.slice(0, text.lastIndexOf('\n\n') + 2);

async function listen({ client }: Setup, token: string, lastEventId?: string) {
  const headers = lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId };
  const response = await client.open('GET', '/api/v1/events', { token, headers });
  const read = readAlong(response);
  return { response, events: (): readonly ServerEvent[] => parseEvents(whole(read())) };
}

const moved: StatusChange = { type: 'provider_circuit', data: { provider: 'x', from: 'closed', to: 'open' } };
const asked: StatusChange = {
  type: 'approval_requested',
  data: { id: 'a', session_id: 's', workspace_id: 'personal:anna', user_id: 'anna', tool: 'shell', expires_at: AT },
};

it('tells everybody of the gateway, and of approvals those who may see their sessions', async () => {
  const setup = await setUp({}, { tokens });
  expect(setup.house.listeners('#status')).toBe(0);
  const all = await Promise.all(['owner-token', 'anna-token', 'bo-token'].map((token) => listen(setup, token)));
  await until(() => all.every(({ events }) => events().length === 1));
  // Each thread is listened to once, however many there are who want to know.
  expect(setup.house.listeners('#status')).toBe(2);
  tell(setup, 'lane-1', asked);
  tell(setup, 'main', moved);
  await until(() => all.every(({ events }) => events().at(-1)?.event === 'provider_circuit'));
  const [owner, anna, bo] = all.map(({ events }) => events().map(({ event }) => event));
  expect(owner).toEqual(['listening', 'approval_requested', 'provider_circuit']);
  expect(anna).toEqual(owner);
  expect(bo).toEqual(['listening', 'provider_circuit']);
  expect(all[0]?.events().at(-1)?.data).toEqual({ at: AT, ...moved.data });
  expect((await setup.client.call('GET', '/api/v1/events', { token: 'nobody' })).status).toBe(401);
});

it('tells those who come back what they missed, or that they missed something', async () => {
  const setup = await setUp({}, { tokens });
  const first = await listen(setup, 'bo-token');
  await until(() => first.events().length === 1);
  const began = first.events()[0]?.id ?? '';
  tell(setup, 'main', moved, asked, moved);
  await until(() => first.events().length === 3);
  const seen = first.events()[1]?.id ?? '';
  first.response.destroy();
  const again = await listen(setup, 'bo-token', seen);
  await until(() => again.events().at(-1)?.event === 'listening');
  expect(again.events().map(({ event, id }) => [event, id])).toEqual([
    ['provider_circuit', first.events()[2]?.id],
    ['listening', first.events()[2]?.id],
  ]);
  // A thread that ended may have said something more.
  setup.house.lose(topic(address('thread', 'lane-1'), STATUS_TOPIC));
  await until(() => again.events().at(-1)?.event === 'missed');
  // So many are kept, and no more.
  tell(setup, 'main', ...Array.from({ length: 2_500 }, () => moved));
  const late = await listen(setup, 'bo-token', began);
  const elsewhere = await listen(setup, 'bo-token', 'of-another-gateway:7');
  await until(() => [late, elsewhere].every(({ events }) => events().length === 2));
  for (const { events } of [late, elsewhere])
    expect(events().map(({ event }) => event)).toEqual(['missed', 'listening']);
  expect(
    (await setup.client.call('GET', '/api/v1/events', { token: 'bo-token', headers: { 'Last-Event-ID': '?' } })).status,
  ).toBe(422);
});

it('ends the stream of who does not read, and of nobody else', async () => {
  const setup = await setUp({}, { tokens });
  const slow = await setup.client.open('GET', '/api/v1/events', { token: 'bo-token' });
  slow.pause();
  const quick = await setup.client.open('GET', '/api/v1/events', { token: 'owner-token' });
  let got = 0;
  quick.on('data', (chunk: Buffer) => {
    // Each event is four lines.
    for (const byte of chunk) if (byte === 0x0a) got += 1 / 4;
  });
  const provider = 'x'.repeat(500);
  const many = Array.from({ length: 500 }, (): StatusChange => {
    return { type: 'provider_circuit', data: { provider, from: 'closed', to: 'open' } };
  });
  let told = 0;
  let ended = false;
  slow.once('close', () => {
    ended = true;
  });
  for (let round = 0; round < 80; round += 1) {
    tell(setup, 'main', ...many);
    told += many.length;
    await until(() => got >= told);
  }
  const read = readAlong(slow);
  slow.resume();
  await until(() => ended);
  expect(parseEvents(whole(read())).at(-1)).toMatchObject({ event: 'error', data: { code: 'slow_consumer' } });
  expect(quick.closed).toBe(false);
});
