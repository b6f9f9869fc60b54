// SPDX-License-Identifier: Apache-2.0
// The trace: the last 64 transitions of an actor, and a stream only while somebody listens.

import { expect, test } from 'vitest';
import { address } from '../../src/bus/address.ts';
import type { Topic } from '../../src/bus/envelope.ts';
import { type TraceEntry, TraceRing, Tracer, traceTopic } from '../../src/bus/trace.ts';

const entry = (at: number): TraceEntry => ({
  at,
  event: 'turn.started',
  from_state: 'idle',
  to_state: 'busy',
  took_us: 3,
});

test('a ring keeps the last 64, oldest first', () => {
  const ring = new TraceRing();
  expect(ring.recent()).toEqual([]);
  for (let at = 0; at < 64; at++) ring.add(entry(at));
  expect(ring.recent().map(({ at }) => at)).toEqual(Array.from({ length: 64 }, (_, at) => at));
  for (let at = 64; at < 100; at++) ring.add(entry(at));
  expect(ring.recent().map(({ at }) => at)).toEqual(Array.from({ length: 64 }, (_, at) => at + 36));
});

test('a tracer publishes only what is heard, and records always', () => {
  const published: unknown[] = [];
  let listening = false;
  const bus = {
    heard: () => listening,
    publish: <E>(topic: Topic<E>, event: E) => void published.push([topic, event]),
  };
  const tracer = new Tracer(bus, 'lane-1');
  const ring = new TraceRing();
  const of = address('session', 'a');
  tracer.record(ring, of, entry(1));
  listening = true;
  tracer.record(ring, of, entry(2));
  expect(ring.recent()).toEqual([entry(1), entry(2)]);
  expect(published).toEqual([[traceTopic('lane-1'), { ...entry(2), thread: 'lane-1', address: of }]]);
});
