// SPDX-License-Identifier: Apache-2.0
// Following providers' traffic: what is missing is counted, whatever it was missing for.

import { expect, it } from 'vitest';
import { wireName } from '../../src/actors/thread/protocol.ts';
import { address } from '../../src/bus/address.ts';
import { topic } from '../../src/bus/envelope.ts';
import { WIRE_EVENTS } from '../../src/edge/schemas/providers.ts';
import type { WireEntry } from '../../src/providers/wire-entry.ts';
import { parseEvents, readAlong, until } from './client.ts';
import type { FakeHouse } from './fake-house.ts';
import { setUp } from './setup.ts';

const PATH = '/debug/providers/stream';
const LANE = topic<WireEntry>(address('thread', 'lane-1'), wireName());

function piece(n: number, text: string): WireEntry {
  const call = { at: '2026-01-01T00:00:00.000Z', provider: 'sigil', call: 'c', turn_id: null, n };
  return { ...call, kind: 'answer_body', exchange: 1, encoding: 'utf8', text };
}

function gap(house: FakeHouse, dropped: number): void {
  for (const subscriber of house.subscribers.get(LANE) ?? []) subscriber.gap?.(dropped);
}

it('tells of what was dropped before what follows it, and of a thread that ended', async () => {
  const { client, house } = await setUp();
  const response = await client.open('GET', PATH);
  const text = readAlong(response);
  await until(() => house.listeners(LANE) === 1);
  house.publish(LANE, [piece(1, 'one')]);
  gap(house, 7);
  house.publish(LANE, [piece(9, 'nine')]);
  house.lose(LANE);
  await until(() => text().includes('event: lost'));
  const events = parseEvents(text());
  expect(events.map(({ event, data }) => [event, data.n ?? data.dropped ?? data.thread])).toEqual([
    ['entry', 1],
    ['dropped', 7],
    ['entry', 9],
    ['lost', 'lane-1'],
  ]);
  for (const { event, data } of events) WIRE_EVENTS[event as keyof typeof WIRE_EVENTS].parse(data);
  response.destroy();
  await until(() => house.listeners(LANE) === 0);
});

it('shows a reader who is behind what there is room for, and counts the rest', async () => {
  const { client, house } = await setUp();
  const response = await client.open('GET', PATH);
  await until(() => house.listeners(LANE) === 1);
  const text = 'x'.repeat(16 * 1024);
  const sent = 4_000;
  for (let n = 1; n <= sent; n += 1) house.publish(LANE, [piece(n, text)]);
  const read = readAlong(response);
  await until(() => read().includes('event: dropped'));
  house.publish(LANE, [piece(sent + 1, 'the last')]);
  await until(() => read().includes('the last'));
  const events = parseEvents(read());
  const shown = events.filter(({ event }) => event === 'entry').length;
  const dropped = events.reduce((sum, { data }) => sum + Number(data.dropped ?? 0), 0);
  expect(dropped).toBeGreaterThan(0);
  expect(shown + dropped).toBe(sent + 1);
  response.destroy();
});
