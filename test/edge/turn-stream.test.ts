// SPDX-License-Identifier: Apache-2.0
// Turn events over HTTP: framing, resuming, slow readers, whole sessions, and no gap or repeat whatever happens.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TURNS_TOPIC } from '../../src/actors/session/protocol.ts';
import { address } from '../../src/bus/address.ts';
import { topic } from '../../src/bus/envelope.ts';
import { realWorld } from '../../src/composition/real-world.ts';
import { HEARTBEAT_MS } from '../../src/edge/event-stream.ts';
import { TurnFollower } from '../../src/edge/turn-follower.ts';
import { endsTurn, eventsIn, type TurnEvent, type TurnEventBatch } from '../../src/stores/turn-events.ts';
import { usualRuns } from '../drawn.ts';
import { parseEvents, readAlong, textOf, until } from './client.ts';
import { done, FakeHouse, type FakeTurn, refused } from './fake-house.ts';
import { setUp } from './setup.ts';

const STREAM = '/api/v1/chat/stream';
const text = (said: string): TurnEvent => ({ event: 'text_delta', data: { text: said } });
const restarted: TurnEvent = { event: 'turn_restarted', data: { reason: 'resumed' } };

it('frames each event on three lines, with headers that keep proxies from buffering', async () => {
  const { client, house } = await setUp();
  house.script = (turn) => house.play(turn, 'one\ntwo');
  const response = await client.open('POST', STREAM, { json: { content: 'hi' } });
  expect(response.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    'x-request-id': expect.stringMatching(/\S/),
  });
  const events = parseEvents(await textOf(response));
  const [turn] = house.turns.values();
  expect(events.map(({ event }) => event)).toEqual(['turn_started', 'text_delta', 'text_delta', 'usage', 'done']);
  expect(events.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5].map((n) => `${turn?.row.id}:${n}`));
  expect(
    events
      .slice(1, 3)
      .map(({ data }) => data.text)
      .join(''),
  ).toBe('one\ntwo');
  expect(house.listeners('session/')).toBe(0);
});

it('refuses before the message is durable with a plain problem', async () => {
  const { client, house } = await setUp();
  house.doors.set('channel/http', () => {
    throw refused('draining');
  });
  const reply = await client.call('POST', STREAM, { json: { content: 'hi' } });
  expect([reply.status, reply.headers['content-type']]).toEqual([503, 'application/problem+json']);
});

it('streams a message to a session when asked to', async () => {
  const { client, house } = await setUp();
  const { session_id } = house.open('owner').row;
  const headers = { Accept: 'text/event-stream' };
  const events = await client.events('POST', `/api/v1/sessions/${session_id}/messages`, {
    json: { content: 'hi' },
    headers,
  });
  expect(events.at(-1)?.event).toBe('done');
});

it('joins a repeated message: a running turn from its beginning, an ended one from its record', async () => {
  const { client, house } = await setUp();
  let turn: FakeTurn | undefined;
  house.script = (begun) => {
    turn = begun;
    house.say(begun, text('a'), text('b'));
  };
  const json = { content: 'hi', message_id: 'm' };
  const first = client.events('POST', STREAM, { json });
  await until(() => turn !== undefined);
  const second = client.events('POST', STREAM, { json });
  await until(() => house.listeners('#turns') === 2);
  if (turn !== undefined) house.say(turn, done(turn, 'ab'));
  const third = await client.events('POST', STREAM, { json });
  expect(await first).toEqual(await second);
  expect(third).toEqual(await first);
});

it('tells a turn again from any event on, from memory and record', async () => {
  const { client, house } = await setUp();
  const turn = house.open('owner');
  const { id } = turn.row;
  const path = `/api/v1/turns/${id}/stream`;
  house.say(turn, text('a'), text('b'), restarted, text('c'));
  turn.first = 3;
  const running = client.events('GET', path, { headers: { 'Last-Event-ID': `${id}:1` } });
  await until(() => house.listeners('#turns') === 1);
  house.say(turn, text('d'), done(turn, 'cd'));
  const all = turn.said.map(({ n }) => `${id}:${n}`);
  expect((await running).map((event) => event.id)).toEqual(all.slice(1));
  for (const [at, from] of ['', ...all].entries()) {
    const reply = await client.call('GET', `${path}?last_event_id=${from}`);
    expect(reply.status).toBe(at === all.length ? 204 : 200);
    expect(parseEvents(reply.text).map((event) => event.id)).toEqual(all.slice(at));
  }
  for (const bad of ['nonsense', `${id}`, `${id}:x`, `${id}:-1`, 'another:1', `${id}:1:2`]) {
    const reply = await client.call('GET', path, { headers: { 'Last-Event-ID': bad } });
    expect([bad, reply.status, reply.body.errors[0].path]).toEqual([bad, 422, 'last_event_id']);
  }
});

it('goes on after its thread was lost, told of a restart by the lane alone', async () => {
  const { client, house } = await setUp();
  let turn: FakeTurn | undefined;
  house.script = (begun) => {
    turn = begun;
    house.say(begun, text('a'));
  };
  const stream = client.events('POST', STREAM, { json: { content: 'hi' } });
  await until(() => turn !== undefined && house.listeners('#turns') === 1);
  if (turn === undefined) return;
  const session = address('session', turn.row.session_id);
  let asked = 0;
  house.doors.set(`${session} session.watch`, () => {
    asked += 1;
    house.doors.delete(`${session} session.watch`);
    throw refused('thread_lost', 'gone', { in_doubt: true });
  });
  house.lose(topic(session, TURNS_TOPIC));
  house.say(turn, restarted, text('b'), done(turn, 'b'));
  const events = await stream;
  expect(asked).toBe(1);
  expect(events.map(({ event }) => event)).toEqual(['text_delta', 'turn_restarted', 'text_delta', 'done']);
});

it('ends with one error, without an id, when it cannot go on', async () => {
  const { client, house } = await setUp();
  house.script = (turn) => {
    house.doors.set(`session/${turn.row.session_id} session.watch`, () => {
      throw refused('storage_failed', 'The disk is gone.');
    });
  };
  house.doors.set('nobody', () => undefined);
  const turn = house.open('owner');
  house.script(turn);
  const events = await client.events('GET', `/api/v1/turns/${turn.row.id}/stream`);
  expect(events).toEqual([{ event: 'error', data: { code: 'storage_failed', message: 'The disk is gone.' } }]);
});

it('ends the stream of a slow reader with slow_consumer, and others go on', async () => {
  const { client, house } = await setUp();
  const turn = house.open('owner');
  house.say(turn, text('begin'));
  const path = `/api/v1/turns/${turn.row.id}/stream`;
  const slow = await client.open('GET', path);
  slow.pause();
  const fast = client.events('GET', path);
  await until(() => house.listeners('#turns') === 2);
  const before = process.memoryUsage().rss;
  let batches = 0;
  while (house.listeners('#turns') === 2 && batches < 2_000) {
    house.say(turn, text('x'.repeat(32 * 1024)));
    batches += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(batches).toBeLessThan(2_000);
  house.say(turn, done(turn, ''));
  const seen = parseEvents(await textOf(slow));
  expect(seen.at(-1)).toMatchObject({ event: 'error', data: { code: 'slow_consumer' } });
  expect(seen.filter(({ event }) => event === 'done' || event === 'error')).toHaveLength(1);
  const last = Number(seen.at(-2)?.id?.split(':')[1]);
  expect(last).toBe(seen.length - 1);
  const whole = await fast;
  expect(whole.at(-1)?.event).toBe('done');
  expect(whole).toHaveLength(turn.said.length);
  expect(process.memoryUsage().rss - before).toBeLessThan(600 * 1024 * 1024);
  // What the slow reader missed it reads from where it stood.
  const rest = await client.events('GET', path, { headers: { 'Last-Event-ID': `${turn.row.id}:${last}` } });
  expect(seen.length - 1 + rest.length).toBe(turn.said.length);
});

it('tells every turn of a session as it happens, one joined in its middle from the beginning', async () => {
  const { client, house } = await setUp();
  const one = house.open('owner', 'one');
  const { session_id } = one.row;
  house.say(one, text('a'));
  const stream = await client.open('GET', `/api/v1/sessions/${session_id}/stream`);
  const soFar = readAlong(stream);
  house.say(one, text('b'));
  await new Promise((resolve) => setTimeout(resolve, 30));
  house.say(one, done(one, 'ab'));
  const two = house.open('owner', 'two', { session_id });
  house.play(two, 'c');
  await new Promise((resolve) => setTimeout(resolve, 30));
  stream.destroy();
  await until(() => house.listeners('#turns') === 0);
  const read = parseEvents(soFar()).map(({ id }) => id);
  expect(read).toEqual([...one.said, ...two.said].map(({ turn_id, n }) => `${turn_id}:${n}`));
});

it('keeps a quiet stream awake with comments, on one timer for all, and with none when nobody reads', async () => {
  let beats = 0;
  const world = {
    ...realWorld,
    after: (ms: number, run: () => void) => {
      if (ms !== HEARTBEAT_MS) return realWorld.after(ms, run);
      beats += 1;
      const stop = realWorld.after(20, run);
      return () => {
        beats -= 1;
        stop();
      };
    },
  };
  const { client, house } = await setUp({}, { world });
  const turn = house.open('owner');
  house.say(turn, text('a'));
  const streams = [1, 2].map(() => client.open('GET', `/api/v1/turns/${turn.row.id}/stream`));
  const read = (await Promise.all(streams)).map(readAlong);
  await until(() => read.every((soFar) => soFar().endsWith('\n\n:\n\n:\n\n')));
  const before = beats;
  house.say(turn, done(turn, 'a'));
  await until(() => house.listeners('#turns') === 0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(beats).toBeLessThanOrEqual(before);
  for (const soFar of read) expect(soFar()).toMatch(/event: done\ndata: .*\n\n$/);
});

it('cancels a running turn and says when there is nothing to stop', async () => {
  const { client, house } = await setUp();
  const turn = house.open('owner');
  house.say(turn, text('a'));
  const path = `/api/v1/turns/${turn.row.id}/cancel`;
  expect((await client.call('POST', path)).body).toEqual({ turn_id: turn.row.id, status: 'cancelling' });
  house.say(turn, done(turn, 'a'));
  expect((await client.call('POST', path, { json: {} })).body).toEqual({ turn_id: turn.row.id, status: 'ended' });
  expect((await client.call('POST', path, { json: { force: true } })).status).toBe(422);
});

/** One thing that happens to a turn while somebody follows it. */
const happening = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 4 }).map((count) => ({ type: 'says' as const, count })) },
  { weight: 1, arbitrary: fc.constant({ type: 'restarts' as const }) },
  { weight: 1, arbitrary: fc.nat(12).map((keep) => ({ type: 'forgets' as const, keep })) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('loses' as const), missed: fc.nat(3), told: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ type: 'fails' as const }) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 3 }).map((turns) => ({ type: 'waits' as const, turns })) },
);

it('shows each event once and in order, over any batches, backlogs, holes and losses', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { maxLength: 25 }), fc.nat(5), fc.nat(3), async (happenings, before, from) => {
      const house = new FakeHouse();
      const turn = house.open('owner');
      const to = topic<TurnEventBatch>(address('session', turn.row.session_id), TURNS_TOPIC);
      let failures = 0;
      const lane = `${address('session', turn.row.session_id)} session.watch`;
      const say = (event: TurnEvent): void => house.say(turn, event);
      for (let at = 0; at < before; at += 1) say(text(`${at}`));
      const seen: number[] = [];
      let ends = 0;
      let broken: unknown;
      const follower = new TurnFollower(
        { ...house.ports() },
        { session_id: turn.row.session_id, turn_id: turn.row.id, seq: 0 },
        {
          live: (events) => void seen.push(...events.map(({ n }) => n)),
          backlog: async (events) => {
            seen.push(...events.map(({ n }) => n));
            await new Promise((resolve) => setImmediate(resolve));
          },
          ended: () => {
            ends += 1;
          },
          failed: (thrown) => {
            broken = thrown;
          },
        },
        Math.min(from, before),
      );
      let deaf = 0;
      house.bus.subscribe(to, {
        events: (batches) => {
          const events = batches.flatMap(eventsIn);
          const heard = events.slice(Math.min(deaf, events.length));
          deaf = Math.max(0, deaf - events.length);
          if (heard.length > 0) follower.feed(heard);
        },
        lost: () => follower.catchUp(),
      });
      follower.catchUp();
      for (const what of happenings) {
        if (what.type === 'says') for (let at = 0; at < what.count; at += 1) say(text('x'));
        else if (what.type === 'restarts') say(restarted);
        else if (what.type === 'forgets') turn.first = Math.max(turn.first, (turn.said.at(-1)?.n ?? 0) - what.keep);
        else if (what.type === 'waits')
          for (let at = 0; at < what.turns; at += 1) await new Promise((resolve) => setImmediate(resolve));
        else if (what.type === 'fails' && failures < 2) {
          failures += 1;
          house.doors.set(lane, () => {
            house.doors.delete(lane);
            throw refused('thread_lost');
          });
        } else if (what.type === 'loses') {
          // Published into the void between two lives, then the subscription is renewed.
          deaf = what.missed;
          for (let at = 0; at < what.missed; at += 1) say(text('lost'));
          deaf = 0;
          if (what.told) house.lose(to);
          // Nobody says that something is missing: the next number does.
          else say(text('after a hole'));
        }
      }
      say(done(turn, ''));
      await until(() => ends > 0 || broken !== undefined);
      expect(broken).toBeUndefined();
      expect(ends).toBe(1);
      expect(seen).toEqual(turn.said.filter(({ n }) => n > Math.min(from, before)).map(({ n }) => n));
      expect(endsTurn(turn.said.at(-1)?.event ?? text(''))).toBe(true);
    }),
    { numRuns: usualRuns(150) },
  );
});
