// SPDX-License-Identifier: Apache-2.0
// Turns of chat channels at a lane: a flooded one waits for its own messages, a quiet one for nobody.

import { expect, it } from 'vitest';
import { ChatTurns } from '../../src/composition/chat-turns.ts';
import type { World } from '../../src/world.ts';
import { ManualClock } from '../stores/manual-clock.ts';

function stand() {
  const clock = new ManualClock();
  const world = {
    now: () => clock.monotonic(),
    monotonic: () => clock.monotonic(),
    after: (ms: number, run: () => void) => clock.after(ms, run),
    random: () => 0,
  } as World;
  const turns = new ChatTurns(world, () => undefined);
  /** Messages at the lane: whose they are, and how their turns begin. */
  const given: { readonly channel: string; readonly began: (turn_id: string | null) => void }[] = [];
  const say = (channel: string) => turns.pass('lane-1', channel, (began) => void given.push({ channel, began }));
  return { clock, turns, given, say };
}

it('a quiet channel goes ahead of what a flooded one has waiting', () => {
  const { given, say } = stand();
  for (let at = 0; at < 50; at += 1) expect(say('flooded')).toBeNull();
  const inside = given.length;
  expect(inside).toBeLessThan(10);
  say('quiet');
  expect(given.slice(inside).map(({ channel }) => channel)).toEqual(['quiet']);
});

it('a message is under way until it is answered, or its model takes its time', () => {
  const { clock, turns, given, say } = stand();
  for (let at = 0; at < 50; at += 1) say('flooded');
  const inside = given.length;
  given.forEach(({ began }, at) => {
    began(`turn-${at}`);
  });
  expect(given).toHaveLength(inside);
  turns.answered('turn-0');
  turns.answered('turn-0');
  expect(given).toHaveLength(inside + 1);
  clock.advance(1_000);
  expect(given.length).toBeGreaterThan(inside + 1);
  const before = given.length;
  // One that no turn answers lets the next in at once.
  given.at(-1)?.began(null);
  expect(given).toHaveLength(before + 1);
  turns.close();
});
