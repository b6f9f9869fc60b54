// SPDX-License-Identifier: Apache-2.0
// What waits for slow readers of all streams together has a bound: past it those on which most waits are cut.

import { expect, it } from 'vitest';
import { ALL_WAITING_LIMIT, type EventStream, Heartbeat } from '../../src/edge/event-stream.ts';
import type { World } from '../../src/world.ts';
import { ManualClock } from '../stores/manual-clock.ts';

it('cuts those on which most waits, and no more than it has to', () => {
  const clock = new ManualClock();
  const { monotonic, after, soon } = clock;
  const times = { now: monotonic, iso: String, monotonic, origin: 0, after, soon };
  const world: World = { ...times, random: () => 0, uuid: () => '' };
  const heartbeat = new Heartbeat(world);
  const cut: string[] = [];
  const streams = Object.entries({ little: 0.1, much: 0.6, most: 0.7, some: 0.2 }).map(([name, share]) => {
    const stream = { waiting: share * ALL_WAITING_LIMIT, comment: () => undefined, drop: () => void cut.push(name) };
    return heartbeat.add(stream as unknown as EventStream);
  });
  clock.advance(1_000);
  expect(cut).toEqual(['most']);
  for (const leave of streams) leave();
  clock.advance(60_000);
  expect(cut).toEqual(['most']);
});
