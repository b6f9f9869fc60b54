// SPDX-License-Identifier: Apache-2.0
// Turns of chat channels at a lane: a flooded one waits for its own messages and lets others go first, a quiet one waits for nobody.

import { expect, it } from 'vitest';
import { ChatTurns } from '../../src/composition/chat-turns.ts';
import type { Failure } from '../../src/errors.ts';
import type { World } from '../../src/world.ts';
import { ManualClock } from '../stores/manual-clock.ts';

const QUIET = ['quiet-1', 'quiet-2', 'quiet-3'];
/** Longer than anybody waits for somebody else's message. */
const LONG = 1_000;

interface Given {
  readonly channel: string;
  readonly turn: string;
  readonly began: (turn_id: string | null) => void;
}

function stand() {
  const clock = new ManualClock();
  const world = {
    now: () => clock.monotonic(),
    monotonic: () => clock.monotonic(),
    after: (ms: number, run: () => void) => clock.after(ms, run),
    random: () => 0,
  } as World;
  const turns = new ChatTurns(world, () => undefined);
  /** Messages at a lane: whose they are, and how their turns begin. */
  const given: Given[] = [];
  const refused: Failure[] = [];
  const say = (channel: string, lane = 'lane-1') =>
    turns.pass(
      lane,
      channel,
      (began) => void given.push({ channel, turn: `turn-${given.length}`, began }),
      (why) => void refused.push(why),
    );
  const of = (channel: string) => given.filter((one) => one.channel === channel);
  const begin = ({ began, turn }: Given) => began(turn);
  const end = ({ turn }: Given) => {
    turns.answered(turn);
    turns.said(turn);
  };
  /** The newest is begun, answered and said. */
  const through = (one: Given | undefined) => {
    if (one === undefined) throw new Error('nothing was given');
    begin(one);
    end(one);
  };
  /** Three have said little lately, and one very much; nothing is left of that. */
  const flood = (...channels: string[]) => {
    for (const channel of [...QUIET, ...channels.flatMap((one) => Array.from({ length: 40 }, () => one))]) {
      say(channel);
      through(given.at(-1));
    }
    given.length = 0;
  };
  return { clock, turns, given, refused, say, of, begin, end, through, flood };
}

it('a quiet channel goes ahead of what a flooded one has waiting', () => {
  const { given, refused, say } = stand();
  for (let at = 0; at < 50; at += 1) say('flooded');
  const inside = given.length;
  expect(inside).toBeLessThan(10);
  say('quiet');
  expect(given.slice(inside).map(({ channel }) => channel)).toEqual(['quiet']);
  expect(refused).toEqual([]);
});

it('a message is under way until it is answered, or its model takes its time', () => {
  const { clock, turns, given, say } = stand();
  for (let at = 0; at < 50; at += 1) say('flooded');
  const inside = given.length;
  given.forEach(({ began, turn }) => {
    began(turn);
  });
  expect(given).toHaveLength(inside);
  turns.answered('turn-0');
  turns.answered('turn-0');
  expect(given).toHaveLength(inside + 1);
  clock.advance(LONG);
  expect(given.length).toBeGreaterThan(inside + 1);
  const before = given.length;
  // One that no turn answers lets the next in at once.
  given.at(-1)?.began(null);
  expect(given).toHaveLength(before + 1);
  turns.close();
});

it('a flooded channel begins nothing while the message of a quiet one is on its way, until a platform has the answer', () => {
  const { turns, given, say, of, begin, flood } = stand();
  flood('flooded');
  say('quiet-1');
  say('flooded');
  expect(given.map(({ channel }) => channel)).toEqual(['quiet-1']);
  const [quiet] = of('quiet-1');
  if (quiet === undefined) throw new Error('it was not given');
  begin(quiet);
  turns.answered(quiet.turn);
  expect(of('flooded')).toHaveLength(0);
  turns.said(quiet.turn);
  expect(of('flooded')).toHaveLength(1);
  turns.close();
});

it('a quiet channel waits neither for a flooded one nor for another quiet one', () => {
  const { turns, given, say, of, flood } = stand();
  flood('flooded');
  for (let at = 0; at < 10; at += 1) say('flooded');
  given.length = 0;
  for (const channel of QUIET) say(channel);
  expect(given.map(({ channel }) => channel)).toEqual(QUIET);
  expect(of('flooded')).toHaveLength(0);
  turns.close();
});

it('a flooded channel goes on while quiet ones always have a message on its way, one at a time, and loses none', () => {
  const { clock, turns, given, refused, say, of, begin, end, flood } = stand();
  flood('flooded');
  say('quiet-1');
  const SAID = 20;
  for (let at = 0; at < SAID; at += 1) say('flooded');
  const done = new Set<Given>();
  let most = 0;
  for (let at = 0; at < 40; at += 1) {
    // The next is on its way before the last is answered.
    say(QUIET[at % QUIET.length] ?? '');
    // Each is open for two moments: there is none without others.
    clock.advance(125);
    const open = given.filter((one) => !done.has(one));
    most = Math.max(most, open.filter(({ channel }) => channel === 'flooded').length);
    const newest = open.findLast(({ channel }) => channel !== 'flooded');
    for (const one of open) {
      if (one === newest) continue;
      begin(one);
      end(one);
      done.add(one);
    }
  }
  expect(most).toBe(1);
  expect(of('flooded')).toHaveLength(SAID);
  expect(refused).toEqual([]);
  turns.close();
});

it('a quiet message whose model takes its time is not waited for', () => {
  const { clock, turns, say, of, begin, flood } = stand();
  flood('flooded');
  say('quiet-1');
  of('quiet-1').forEach(begin);
  clock.advance(LONG);
  flood('flooded');
  say('flooded');
  expect(of('flooded')).toHaveLength(1);
  turns.close();
});

it('channels that are flooded alike do not wait for one another', () => {
  const { turns, say, given, flood } = stand();
  flood('flooded-1', 'flooded-2');
  say('flooded-1');
  say('flooded-2');
  expect(given.map(({ channel }) => channel)).toEqual(['flooded-1', 'flooded-2']);
  turns.close();
});

it('a channel that was flooded is as quiet as the others once that is over', () => {
  const { clock, turns, say, given, flood } = stand();
  flood('flooded');
  clock.advance(3 * LONG);
  say('quiet-1');
  say('flooded');
  expect(given.map(({ channel }) => channel)).toEqual(['quiet-1', 'flooded']);
  turns.close();
});

it('one that has the thread to itself waits for nobody', () => {
  const { turns, say, given, through } = stand();
  for (let at = 0; at < 100; at += 1) {
    say('busy');
    through(given.at(-1));
  }
  expect(given).toHaveLength(100);
  turns.close();
});

it('what is not let in is told', () => {
  const { turns, given, refused, say } = stand();
  for (let at = 0; at < 2_000; at += 1) say('flooded');
  expect(refused.length).toBeGreaterThan(0);
  expect(refused[0]?.code).toBe('overloaded');
  expect(given.length).toBeLessThan(10);
  turns.close();
});

it('begins nothing more once it is closed', () => {
  const { clock, turns, say, of, flood } = stand();
  flood('flooded');
  say('quiet-1');
  say('flooded');
  turns.close();
  clock.advance(LONG);
  expect(of('flooded')).toHaveLength(0);
});
