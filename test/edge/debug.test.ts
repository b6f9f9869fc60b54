// SPDX-License-Identifier: Apache-2.0
// Status and the live actor system: pages merged over threads, threads that do not answer, the sampled trace.

import type { IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { type ActorView, type TraceEvent, type TraceLine, traceName } from '../../src/actors/thread/protocol.ts';
import { address } from '../../src/bus/address.ts';
import { topic } from '../../src/bus/envelope.ts';
import { parseEvents, readAlong, until } from './client.ts';
import type { FakeHouse } from './fake-house.ts';
import { setUp } from './setup.ts';

const AT = '2026-01-01T00:00:00.000Z';

function actor(of: string, thread: string): ActorView {
  const [kind = '', id = ''] = of.split('/');
  return {
    address: of,
    kind,
    id,
    parent: null,
    thread,
    state: 'idle',
    since: AT,
    uptime_s: 1,
    mailbox: { depth: 0, capacity: 8, oldest_ms: 0 },
    processed: 1,
    failed: 0,
    restarts: 0,
    last_event: null,
    asleep: false,
  };
}

/** A thread that hosts these actors, answering as a real one does. */
function host(house: FakeHouse, thread: string, addresses: readonly string[]): void {
  const actors = [...addresses].sort().map((of) => actor(of, thread));
  house.doors.set(`thread/${thread} thread.actors`, (({
    limit,
    cursor,
    filter,
  }: {
    limit: number;
    cursor: string;
    filter: { kind?: string };
  }) => {
    const fitting = actors.filter((view) => filter.kind === undefined || view.kind === filter.kind);
    const after = fitting.filter((view) => view.address > cursor);
    const by_kind = Object.fromEntries(
      Object.entries(Object.groupBy(fitting, (view) => view.kind)).map(([kind, of]) => [kind, of?.length ?? 0]),
    );
    const totals = { actors: fitting.length, by_kind, by_state: { idle: fitting.length } };
    const items = after.slice(0, limit);
    return { items, reached: after.length > limit ? (items.at(-1)?.address ?? cursor) : null, totals };
  }) as never);
}

const THREADS = ['main', 'lane-1', 'lane-2'];
const many = (thread: number) =>
  Array.from({ length: 17 }, (_, at) => `session/${String(at * 3 + thread).padStart(3, '0')}`);

it('pages actors of all threads in the order of their addresses, each once', async () => {
  const { client, house } = await setUp({}, { threads: THREADS });
  host(house, 'main', ['gateway/root', 'channel/http', ...many(0)]);
  host(house, 'lane-1', many(1));
  host(house, 'lane-2', many(2));
  for (const limit of [1, 4, 7, 200]) {
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: { body: { items: ActorView[]; next_cursor: string | null; totals: unknown } } = await client.call(
        'GET',
        `/debug/actors?limit=${limit}${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      seen.push(...page.body.items.map((item) => item.address));
      expect(page.body.totals).toEqual({
        actors: 53,
        by_kind: { gateway: 1, channel: 1, session: 51 },
        by_thread: { main: 19, 'lane-1': 17, 'lane-2': 17 },
        by_state: { idle: 53 },
      });
      cursor = page.body.next_cursor;
    }
    expect(seen).toEqual(['channel/http', 'gateway/root', ...[...many(0), ...many(1), ...many(2)].sort()]);
  }
  const one = await client.call('GET', '/debug/actors?thread=main&kind=gateway');
  expect(one.body.items.map((item: ActorView) => item.address)).toEqual(['gateway/root']);
  expect((await client.call('GET', '/debug/actors?cursor=bm9uc2Vuc2U')).status).toBe(422);
});

it('shows what it gets when a thread does not answer', async () => {
  const { client, house } = await setUp({}, { threads: ['main', 'dead'] });
  host(house, 'main', ['gateway/root']);
  house.doors.set('thread/dead', () => undefined);
  house.doors.set('thread/main thread.stats', () => ({
    thread: 'main',
    role: 'main',
    life: 1,
    actors: 1,
    messages_in_per_s: 0,
    messages_out_per_s: 0,
    loop_delay_ms: { p50: 1, p99: 2 },
    heap_bytes: 5,
    utilisation: 0.1,
  }));
  house.doors.set('gateway/root', () => ({
    state: 'running',
    started_at: AT,
    quarantined: [],
    restarts: [{ thread: 'dead', count: 2, last_at: AT, reason: 'exit' }],
  }));
  const [page, threads, status] = await Promise.all(
    ['/debug/actors', '/debug/threads', '/api/v1/status'].map(async (path) => await client.call('GET', path)),
  );
  expect([page?.status, page?.body.unreachable, page?.body.items.length]).toEqual([200, ['dead'], 1]);
  expect(threads?.body.items).toMatchObject([
    { name: 'main', state: 'up' },
    { name: 'dead', state: 'unreachable', restarts: 2 },
  ]);
  expect(status?.body).toMatchObject({
    version: '0.0.0',
    state: 'running',
    url: `http://127.0.0.1:${client.port}`,
    actors: { total: 1, by_kind: { gateway: 1 } },
    providers: [{ name: 'sigil', state: 'unreachable', available: false }],
    channels: [{ name: 'http' }],
    budgets: [{ scope: 'global', state: 'unreachable' }],
    restart_pending: [],
  });
});

it('finds an actor on whatever thread it lives, by both ways to write its address', async () => {
  const { client, house } = await setUp();
  house.doors.set('thread/lane-1 thread.actor', ((body: { address: string }) => ({
    actor: { ...actor(body.address, 'lane-1'), context: {} },
    children: { addresses: [], count: 0 },
  })) as never);
  house.doors.set('thread/main thread.actor', () => ({
    actor: null,
    children: { addresses: ['session/y', 'session/x'], count: 1_002 },
  }));
  for (const path of ['session/abc', 'session%2Fabc']) {
    expect((await client.call('GET', `/debug/actors/${path}`)).body).toMatchObject({
      address: 'session/abc',
      thread: 'lane-1',
      children: ['session/x', 'session/y'],
      children_total: 1_002,
    });
  }
  house.doors.set('thread/lane-1 thread.actor', () => ({ actor: null, children: { addresses: [], count: 0 } }));
  expect((await client.call('GET', '/debug/actors/session/abc')).status).toBe(404);
  expect((await client.call('GET', '/debug/actors/nothing/abc')).status).toBe(404);
});

it('shows a session that is not in memory as asleep, and says so when a thread could not be asked', async () => {
  const { client, house } = await setUp();
  const { session_id, workspace_id } = house.open('owner').row;
  const none = () => ({ actor: null, children: { addresses: [], count: 0 } });
  house.doors.set('thread/lane-1 thread.actor', none);
  house.doors.set('thread/main thread.actor', none);
  const { status, body } = await client.call('GET', `/debug/actors/session/${session_id}`);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    address: `session/${session_id}`,
    parent: `workspace/${workspace_id}`,
    thread: 'lane-1',
    state: 'asleep',
    asleep: true,
    recent: [],
  });
  house.doors.set('thread/lane-1 thread.actor', () => undefined);
  expect((await client.call('GET', `/debug/actors/session/${session_id}`)).status).toBe(504);
});

it('keeps a page in order when threads tell of their actors in slices', async () => {
  const { client, house } = await setUp({}, { threads: THREADS });
  const all = [many(0), many(1), many(2)];
  // Each looks at so few at a time that it may find nothing that fits.
  for (const [at, thread] of THREADS.entries()) {
    house.doors.set(`thread/${thread} thread.actors`, ((body: {
      limit: number;
      cursor: string;
      filter: { q: string };
    }) => {
      const looked = (all[at] ?? []).filter((of) => of > body.cursor).slice(0, at + 1);
      const items = looked.filter((of) => of.includes(body.filter.q)).slice(0, body.limit);
      const reached = items.length === body.limit ? items.at(-1) : looked.at(-1);
      const totals = { actors: 17, by_kind: { session: 17 }, by_state: { idle: 17 } };
      return { items: items.map((of) => actor(of, thread)), reached: reached ?? null, totals };
    }) as never);
  }
  const fitting = all
    .flat()
    .sort()
    .filter((of) => of.includes('4'));
  for (const limit of [1, 3, 200]) {
    const seen: string[] = [];
    let cursor = '';
    do {
      const { body } = await client.call(
        'GET',
        `/debug/actors?q=4&limit=${limit}${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      seen.push(...body.items.map((item: ActorView) => item.address));
      expect(body.totals.actors).toBe(51);
      cursor = body.next_cursor ?? '';
    } while (cursor !== '');
    expect(seen).toEqual(fitting);
  }
});

it('goes on with a thread that did not answer where it stood', async () => {
  const { client, house } = await setUp({}, { threads: ['main', 'lane-1'] });
  host(house, 'main', ['gateway/root', 'session/b', 'session/d']);
  house.doors.set('thread/lane-1', () => undefined);
  const first = await client.call('GET', '/debug/actors?limit=2');
  expect(first.body.items.map((item: ActorView) => item.address)).toEqual(['gateway/root', 'session/b']);
  expect(first.body.unreachable).toEqual(['lane-1']);
  host(house, 'lane-1', ['session/a', 'session/c', 'session/e']);
  const rest = await client.call('GET', `/debug/actors?cursor=${first.body.next_cursor}`);
  expect(rest.body.items.map((item: ActorView) => item.address)).toEqual([
    'session/a',
    'session/c',
    'session/d',
    'session/e',
  ]);
});

it('adds up what travelled', async () => {
  const { client, house } = await setUp();
  for (const [thread, at] of [
    ['main', '2026-01-02'],
    ['lane-1', '2026-01-01'],
  ] as const) {
    house.doors.set(`thread/${thread} thread.bus`, () => ({
      by_kind: { session: { sent: 2, delivered: 1, asks_in_flight: 1, timeouts: 0, dead_letters: 1 } },
      dead_letters: [{ at: `${at}T00:00:00.000Z`, to: 'session/x', from: 'thread/main', type: 'a.b', reason: thread }],
    }));
  }
  const { body } = await client.call('GET', '/debug/bus');
  expect(body.by_kind).toEqual({ session: { sent: 4, delivered: 2, asks_in_flight: 2, timeouts: 0, dead_letters: 2 } });
  expect(body.dead_letters.map((letter: { reason: string }) => letter.reason)).toEqual(['lane-1', 'main']);
});

it("tells a turn's journal as steps with start, end and outcome, its text left out", async () => {
  const { client, house } = await setUp();
  const turn = house.open('owner');
  house.play(turn, 'secret words');
  const step = (seq: number, type: string, detail: object = {}) => ({
    seq,
    type,
    at: `2026-01-01T00:00:0${seq}.000Z`,
    detail,
  });
  const read = house.store.read.bind(house.store);
  const steps = [
    step(1, 'message_received'),
    step(2, 'turn_started'),
    step(3, 'model_called', { call: 1 }),
    step(4, 'model_replied', { finish: 'stop' }),
    step(5, 'model_called', { call: 2 }),
  ];
  Object.defineProperty(house.store, 'read', {
    value: async (query: string, ...rest: never[]) =>
      query === 'turn.steps' ? { turn: turn.row, steps } : await read(query as never, ...(rest as [never])),
  });
  const reply = await client.call('GET', `/debug/turns/${turn.row.id}`);
  expect(reply.text).not.toContain('secret');
  expect(
    reply.body.steps.map(({ type, end, outcome }: Record<string, string>) => [type, end?.slice(17, 19), outcome]),
  ).toEqual([
    ['message_received', '02', 'turn_started'],
    ['turn_started', undefined, null],
    ['model_called', '04', 'stop'],
    ['model_replied', '04', 'stop'],
    ['model_called', undefined, null],
  ]);
});

const line = (of: string): TraceLine => ({
  at: AT,
  address: of,
  event: 'x',
  from_state: 'a',
  to_state: { b: 'c' },
  took_us: 3,
});

it('streams transitions only while somebody looks, a thousand a second, and the number dropped', async () => {
  const { client, house } = await setUp();
  const wishes: unknown[] = [];
  for (const thread of ['main', 'lane-1'])
    house.doors.set(`thread/${thread} thread.follow`, ((wish: unknown) => {
      wishes.push(wish);
      return {};
    }) as never);
  expect(house.listeners('#trace')).toBe(0);
  const stream = await client.open('GET', '/debug/actors/stream?kind=session');
  const read = readAlong(stream);
  expect(house.listeners('#trace')).toBe(2);
  const lines = Array.from({ length: 1_500 }, () => line('session/1'));
  const of = topic<TraceEvent>(address('thread', 'lane-1'), traceName({ kind: 'session' }));
  house.publish(of, [...lines, { dropped: 30 }]);
  await until(() => read().includes('event: dropped'));
  // Said again every second, to every thread: one that was started anew would not know.
  expect(wishes.slice(0, 2)).toEqual([{ kind: 'session' }, { kind: 'session' }]);
  await until(() => wishes.length >= 4);
  stream.destroy();
  await until(() => house.listeners('#trace') === 0);
  const events = parseEvents(read());
  expect(events).toHaveLength(1_001);
  expect(events[0]).toEqual({
    event: 'transition',
    data: { at: AT, address: 'session/1', event: 'x', from_state: 'a', to_state: { b: 'c' } },
  });
  expect(events.at(-1)).toEqual({ event: 'dropped', data: { dropped: 530 } });
});

it('lets only so many watch at once', async () => {
  const { client } = await setUp();
  const streams: IncomingMessage[] = [];
  for (let at = 0; at < 32; at += 1) streams.push(await client.open('GET', '/debug/actors/stream'));
  const refused = await client.call('GET', '/debug/actors/stream');
  expect([refused.status, refused.body.code]).toEqual([503, 'overloaded']);
  streams[0]?.destroy();
  let again = 503;
  while (again !== 200) again = (await client.open('GET', '/debug/actors/stream?kind=gateway')).statusCode ?? 0;
});
