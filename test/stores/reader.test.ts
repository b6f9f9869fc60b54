// SPDX-License-Identifier: Apache-2.0
// The read side: what each query answers, the barrier, pages while rows are added, events told again, and fairness.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SessionRecord } from '../../src/stores/records.ts';
import type { Page } from '../../src/stores/session-store.ts';
import { EVENTS_PER_ATTEMPT, eventsOf, NO_EVENTS, type NumberedTurnEvent } from '../../src/stores/turn-events.ts';
import { codeOf } from './manual-clock.ts';
import {
  asksTools,
  called,
  failed,
  finished,
  replied,
  resumed,
  returned,
  SessionLog,
  started,
  TWICE,
  toolCalled,
  USAGE,
} from './session-log.ts';
import { StoreHouse } from './store-house.ts';

describe('reader', () => {
  let house = new StoreHouse();
  beforeEach(() => {
    house.remove();
    house = new StoreHouse().open();
  });
  afterEach(() => house.remove());

  const page = { limit: 50 };

  it('shows a turn from its message to its end', () => {
    const log = new SessionLog('s1', 'personal:ada');
    const turn = () => house.read('turn.get', { turn_id: 't1' });
    house.append(log.create(), log.next(log.receive('how is the moon?', 't1', 'm1')));
    expect(turn()).toEqual({
      id: 't1',
      session_id: 's1',
      workspace_id: 'personal:ada',
      user_id: 'ada',
      message_id: 'm1',
      message_ids: ['m1'],
      status: 'queued',
      model: '',
      reply_id: null,
      content: '',
      finish_reason: null,
      error: null,
      usage: { input_tokens: 0, output_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0, cost_usd: 0 },
      tool_calls: [],
      created_at: '2026-01-02T03:04:05.001Z',
      started_at: null,
      ended_at: null,
    });
    house.append(log.next(started('t1', ['m1']), called('t1', 1)));
    expect(turn()).toMatchObject({ status: 'running', model: 'mock/small', started_at: '2026-01-02T03:04:05.002Z' });
    house.append(log.next(asksTools('t1', 1, 'let me look. '), toolCalled('t1')));
    const call = { id: 'call-1', name: 'look', arguments: '{"at":"moon"}' };
    expect(turn()).toMatchObject({ usage: USAGE, tool_calls: [{ ...call, result: null }] });
    house.append(log.next(returned('t1', 'full'), called('t1', 2)));
    // The same id once more, as some models do.
    house.append(
      log.next(asksTools('t1', 2, '')),
      log.next(toolCalled('t1'), returned('t1', 'it fell', 'call-1', { is_error: true })),
    );
    house.append(
      log.next(replied('t1', 3, 'It is full.')),
      log.next(finished('t1', 3, 'let me look. It is full.', TWICE)),
    );
    expect(turn()).toMatchObject({
      status: 'finished',
      reply_id: 't1-r3',
      content: 'let me look. It is full.',
      finish_reason: 'stop',
      usage: TWICE,
      tool_calls: [
        { ...call, result: { content: 'full', is_error: false, truncated: false } },
        { ...call, result: { content: 'it fell', is_error: true, truncated: false } },
      ],
    });
    const messages = house.read('session.messages', { session_id: 's1', page }).items;
    expect(messages.map(({ id, role, content, origin }) => [id, role, content, origin])).toEqual([
      ['m1', 'user', 'how is the moon?', 'user_input'],
      ['t1-r1', 'assistant', 'let me look. ', 'system'],
      ['t1-call-1-4', 'tool', 'full', 'tool_output'],
      ['t1-r2', 'assistant', '', 'system'],
      ['t1-call-1-7', 'tool', 'it fell', 'tool_output'],
      ['t1-r3', 'assistant', 'It is full.', 'system'],
    ]);
    expect(messages[1]?.tool_calls).toEqual([call]);
    expect(messages[2]?.tool_call_id).toBe('call-1');
    expect(messages[0]).not.toHaveProperty('tool_calls');
    expect(house.read('session.get', { session_id: 's1' })).toMatchObject({ turns: 1, messages: 6, status: 'active' });
  });

  it('shows a turn that failed, and no message of a reply that broke off', () => {
    const log = new SessionLog('s1', 'home');
    house.append(log.create(), log.next(log.receive('hi', 't1')), log.next(started('t1'), called('t1', 1)));
    house.append(log.next(replied('t1', 1, 'half', { finish: 'failed' }), failed('t1')));
    expect(house.read('turn.get', { turn_id: 't1' })).toMatchObject({
      status: 'failed',
      reply_id: null,
      finish_reason: null,
      error: { code: 'provider_error', message: 'the provider hung up' },
    });
    expect(house.read('session.messages', { session_id: 's1', page }).items).toHaveLength(1);
  });

  it('gives the messages of a turn that answers several to that turn', () => {
    const log = new SessionLog('s1', 'home');
    house.append(log.create(), log.next(log.receive('one', 't1', 'm1')), log.next(log.receive('two', 't2', 'm2')));
    const joined = { turn_id: 't1', message_id: 'm2', waited_as: 't2' };
    house.append(log.next({ type: 'message_collected', ...joined }, started('t1', ['m1', 'm2'])));
    expect(house.read('turn.get', { turn_id: 't2' })).toMatchObject({ id: 't1', message_ids: ['m1', 'm2'] });
    expect(house.read('session.get', { session_id: 's1' })).toMatchObject({ turns: 1, messages: 2 });
    expect(house.read('message.turn', { session_id: 's1', message_id: 'm2' })).toEqual({
      turn_id: 't1',
      content: 'two',
    });
    expect(house.read('message.turn', { session_id: 's1', message_id: 'm3' })).toEqual({ turn_id: null, content: '' });
  });

  it('shows a message where it was handed to the turn that ran', () => {
    const log = new SessionLog('s1', 'home');
    const said = asksTools('t1', 1, 'let me see');
    house.append(log.create(), log.next(log.receive('one', 't1', 'm1'), started('t1', ['m1']), called('t1', 1)));
    house.append(log.next(log.receive('two', 't2', 'm2')), log.next(said, returned('t1', 'this')));
    const steered = { turn_id: 't1', message_id: 'm2', waited_as: 't2', before_call: 2 };
    house.append(log.next({ type: 'message_steered', ...steered }, called('t1', 2), replied('t1', 2, 'both')));
    house.append(log.next(finished('t1', 2, 'let me seeboth')));
    const { items } = house.read('session.messages', { session_id: 's1', page: { limit: 10 } });
    expect(items.map(({ role, content, turn_id }) => `${role} ${content} ${turn_id}`)).toEqual([
      'user one t1',
      'assistant let me see t1',
      'tool this t1',
      'user two t1',
      'assistant both t1',
    ]);
    const { events, ended } = house.read('turn.events', { turn_id: 't2', from: 0 });
    expect(ended).toBe(true);
    expect(events.every(({ turn_id }) => turn_id === 't1')).toBe(true);
  });

  it('tells a turn again with the very events and numbers its listeners saw', () => {
    const log = new SessionLog('s1', 'home');
    const place = { session_id: 's1', workspace_id: 'home' };
    const deltas = [-3, 4, 3];
    const records: SessionRecord[] = [
      started('t1'),
      called('t1', 1),
      resumed('t1', 1, 1),
      called('t1', 1),
      replied('t1', 1, 'so 🦊so!', {
        thinking: 'hmm',
        deltas,
        finish: 'tool_calls',
        tool_calls: [{ id: 'c', name: 'look', arguments: '{}' }],
      }),
      toolCalled('t1', 'c'),
      resumed('t1', 1, 2),
      toolCalled('t1', 'c'),
      returned('t1', 'there', 'c'),
      called('t1', 2),
      replied('t1', 2, 'done'),
      finished('t1', 2, 'so 🦊so!done', TWICE),
    ];
    const live: NumberedTurnEvent[] = [];
    let cursor = NO_EVENTS;
    house.append(log.create(), log.next(log.receive('hello', 't1')));
    for (const record of records) {
      const told = eventsOf(record, place, cursor);
      cursor = told.cursor;
      live.push(...told.events);
      // Other turns of the session are received in between.
      house.append(log.next(record), log.next(log.receive('and?')));
    }
    const all = house.read('turn.events', { turn_id: 't1', from: 0 });
    expect(all).toEqual({ events: live, ended: true });
    expect(all.events.map((event) => event.n)).toEqual([
      1,
      ...[1, 2, 3, 4, 5].map((n) => EVENTS_PER_ATTEMPT + n),
      ...[1, 2, 3, 4, 5, 6, 7].map((n) => 2 * EVENTS_PER_ATTEMPT + n),
    ]);
    for (const [index, event] of live.entries()) {
      expect(house.read('turn.events', { turn_id: 't1', from: event.n })).toEqual({
        events: live.slice(index + 1),
        ended: true,
      });
    }
    const waiting = house.read('turn.events', { turn_id: 's1-t1', from: 0 });
    expect(waiting).toEqual({ events: [], ended: false });
  });

  it('shows the steps of a turn without anybody’s words', () => {
    const log = new SessionLog('s1', 'home');
    house.append(log.create(), log.next(log.receive('my secret', 't1')), log.next(started('t1'), called('t1', 1)));
    house.append(
      log.next(asksTools('t1', 1, 'my secret?'), toolCalled('t1')),
      log.next(returned('t1', 'the secret'), called('t1', 2)),
    );
    house.append(
      log.next({ type: 'checkpoint', state: 'secret' }),
      log.next(replied('t1', 2, 'your secret'), finished('t1', 2, 'your secret')),
    );
    const { turn, steps } = house.read('turn.steps', { turn_id: 't1' });
    expect(turn.status).toBe('finished');
    expect(steps.map((step) => step.type)).toEqual([
      'message_received',
      'turn_started',
      'model_called',
      'model_replied',
      'tool_called',
      'tool_returned',
      'model_called',
      'model_replied',
      'turn_finished',
    ]);
    expect(JSON.stringify(steps)).not.toMatch(/secret|moon/);
    expect(steps[3]?.detail).toMatchObject({
      call: 1,
      content_length: 10,
      tool_calls: [{ id: 'call-1', name: 'look' }],
    });
  });

  it('says what is unknown', () => {
    const log = new SessionLog('s1', 'home');
    house.append(log.create());
    const asked = [
      house.asks('session.get', { session_id: 'none' }),
      house.asks('session.messages', { session_id: 'none', page }),
      house.asks('turn.get', { turn_id: 'none' }),
      house.asks('turn.events', { turn_id: 'none', from: 0 }),
      house.asks('turn.steps', { turn_id: 'none' }),
      house.asks('message.turn', { session_id: 'none', message_id: 'm' }),
      house.asks('session.list', { workspace_id: 'home', page: { limit: 2, cursor: 'nonsense' } }),
      house.asks('session.list', { workspace_id: 'none', page }),
    ];
    house.clock.settle();
    expect(asked.map(codeOf)).toEqual([...Array(6).fill('not_found'), 'validation_failed', 'ok']);
  });

  it('pages through lists that grow meanwhile, each row once', () => {
    const logs = Array.from(
      { length: 9 },
      (_, index) => new SessionLog(`s${index}`, 'home', index % 3 === 0 ? 'bob' : 'ada'),
    );
    house.append(...logs.map((log) => log.create()));
    const log = logs[0];
    if (log === undefined) throw new Error('no session');
    house.append(...Array.from({ length: 9 }, (_, index) => log.next(log.receive(`message ${index}`))));
    let grown = 0;
    const walk = <T>(read: (cursor: string | undefined) => Page<T>): readonly T[] => {
      const items: T[] = [];
      let cursor: string | undefined;
      do {
        const one = read(cursor);
        expect(one.items.length).toBeLessThanOrEqual(2);
        items.push(...one.items);
        cursor = one.next_cursor ?? undefined;
        if (grown < 20)
          house.append(new SessionLog(`grown${grown++}`, 'home').create(), log.next(log.receive(`grown ${grown}`)));
      } while (cursor !== undefined);
      return items;
    };
    const sessions = walk((cursor) => house.read('session.list', { workspace_id: 'home', page: { limit: 2, cursor } }));
    expect(sessions.map((session) => session.id)).toEqual(['s0', 's8', 's7', 's6', 's5', 's4', 's3', 's2', 's1']);
    const mine = walk((cursor) =>
      house.read('session.list', { workspace_id: 'home', user_id: 'bob', page: { limit: 2, cursor } }),
    );
    expect(mine.map((session) => session.id)).toEqual(['s0', 's6', 's3']);
    const messages = walk((cursor) => house.read('session.messages', { session_id: 's0', page: { limit: 2, cursor } }));
    expect(messages.map((message) => message.content).slice(0, 9)).toEqual(
      Array.from({ length: 9 }, (_, index) => `message ${index}`),
    );
    expect(new Set(messages.map((message) => message.id)).size).toBe(messages.length);
    const wrong = house.asks('session.messages', {
      session_id: 's0',
      page: {
        limit: 2,
        cursor: house.read('session.list', { workspace_id: 'home', page: { limit: 1 } }).next_cursor ?? '',
      },
    });
    house.clock.settle();
    expect(codeOf(wrong)).toBe('validation_failed');
  });

  it('keeps workspaces apart', () => {
    const [ada, bob] = [new SessionLog('sa', 'personal:ada', 'ada'), new SessionLog('sb', 'personal:bob', 'bob')];
    house.append(ada.create(), bob.create(), ada.next(ada.receive('apples')), bob.next(bob.receive('apples')));
    const list = (workspace_id: string) =>
      house.read('session.list', { workspace_id, page }).items.map((session) => session.id);
    expect([list('personal:ada'), list('personal:bob'), list('../personal:bob')]).toEqual([['sa'], ['sb'], []]);
    expect(house.read('workspace.list', { page }).items).toMatchObject([
      { id: 'personal:ada', sessions: 1 },
      { id: 'personal:bob', sessions: 1 },
    ]);
    const first = house.read('workspace.list', { page: { limit: 1 } });
    expect(house.read('workspace.list', { page: { limit: 1, cursor: first.next_cursor ?? '' } })).toMatchObject({
      items: [{ id: 'personal:bob' }],
      next_cursor: null,
    });
  });

  it('carries a message of a million characters', () => {
    const log = new SessionLog('s1', 'home');
    const text = '🦊é中'.repeat(250_000);
    house.append(
      log.create(),
      log.next(log.receive(text, 't1')),
      log.next(started('t1'), replied('t1', 1, text), finished('t1', 1, text)),
    );
    expect(house.read('session.messages', { session_id: 's1', page }).items[1]?.content).toBe(text);
    expect(house.read('turn.get', { turn_id: 't1' }).content).toBe(text);
    expect(house.read('turn.events', { turn_id: 't1', from: 0 }).events[1]?.event).toEqual({
      event: 'text_delta',
      data: { text },
    });
  });

  it('sums usage by the hour and the day', () => {
    const log = new SessionLog('s1', 'home');
    const hour = 3_600_000;
    const at = Date.UTC(2026, 4, 5, 13, 30);
    const turn = (when: number, name: string): void => {
      log.at = when;
      house.append(log.next(log.receive('hi', name)), log.next(started(name), called(name, 1)));
      house.append(log.next(resumed(name, 1, 1), called(name, 1), replied(name, 1, 'x'), finished(name, 1, 'x')));
    };
    house.append(log.create());
    turn(at, 't1');
    turn(at - 3 * hour, 't2');
    turn(at - 24 * hour, 't3');
    const once = { tokens: 118, cost_usd: 1.25 };
    for (const scope of ['global', 'workspace/home', 'session/s1']) {
      expect(house.read('usage.window', { scope, at })).toMatchObject({
        hour: once,
        day: { tokens: 236, cost_usd: 2.5 },
      });
      expect(house.read('usage.window', { scope, at: at - 24 * hour })).toMatchObject({ hour: once, day: once });
    }
    const none = { tokens: 0, cost_usd: 0 };
    expect(house.read('usage.window', { scope: 'workspace/other', at })).toMatchObject({ hour: none, day: none });
  });

  it('shows changes of a session and sorts it by its newest activity', () => {
    const logs = [new SessionLog('s1', 'home'), new SessionLog('s2', 'home')] as const;
    house.append(
      ...logs.map((log) => log.create()),
      logs[0].next({ type: 'session_changed', title: 'Moon', status: 'archived' }),
    );
    const { items } = house.read('session.list', { workspace_id: 'home', page });
    expect(items.map((session) => [session.id, session.title, session.status])).toEqual([
      ['s1', 'Moon', 'archived'],
      ['s2', '', 'active'],
    ]);
  });

  it('sees everything acknowledged before, by news or by looking itself', () => {
    const log = new SessionLog('s1', 'home');
    for (const news of [true, false]) {
      house.news = news;
      house.wakes = false;
      house.append(...(news ? [log.create()] : []), log.next(log.receive('hello')));
      const seq = house.writer?.seq ?? 0;
      const asked = [
        house.asks('session.get', { session_id: 's1' }, seq),
        house.asks('session.get', { session_id: 's1' }, 'latest'),
      ];
      const soon = house.asks('session.get', { session_id: 's1' }, seq - 1);
      house.clock.advance(500);
      expect(asked.map(codeOf)).toEqual(['waiting', 'waiting']);
      expect(codeOf(soon)).toBe(news ? 'waiting' : 'ok');
      house.views?.wake(seq);
      house.clock.advance(news ? 0 : 30);
      expect(asked.map(codeOf)).toEqual(['ok', 'ok']);
    }
  });

  it('gives up after two seconds with view_behind', () => {
    const log = new SessionLog('s1', 'home');
    house.append(log.create());
    const asked = house.asks('session.get', { session_id: 's1' }, 99);
    house.clock.advance(1900);
    expect(codeOf(asked)).toBe('waiting');
    house.clock.advance(200);
    expect(asked.outcome).toMatchObject({
      ok: false,
      error: { code: 'view_behind', retryable: true, details: { upto: 1 } },
    });
    expect(codeOf(house.asks('session.get', { session_id: 's1' }, 1))).toBe('waiting');
  });

  it('answers workspaces in turns, and says when too many wait', () => {
    const [many, few] = [new SessionLog('s1', 'many'), new SessionLog('s2', 'few')];
    house.append(many.create(), few.create());
    const order: string[] = [];
    const ask = (workspace_id: string) => {
      const { reader } = house;
      const note = (): void => void order.push(workspace_id);
      reader?.ask('session.list', {
        body: { workspace_id, page, after: 0 },
        reply: note,
        fail: ({ code }) => order.push(code),
      });
    };
    for (let index = 0; index < 1100; index++) ask('many');
    ask('few');
    expect(order).toEqual(Array(76).fill('overloaded'));
    house.clock.settle();
    expect(order.indexOf('few')).toBeLessThan(80);
    expect(order).toHaveLength(1101);
  });

  it('holds no more files open than it may', () => {
    house.reader?.close();
    house.views?.close();
    house.openViews({ openFiles: 2 }).openReader({ openFiles: 2 });
    const logs = Array.from({ length: 6 }, (_, index) => new SessionLog(`s${index}`, `w${index}`));
    house.append(...logs.map((log) => log.create()));
    for (let round = 0; round < 3; round++) {
      house.append(...logs.map((log) => log.next(log.receive(`round ${round}`))));
      for (const log of logs) expect(house.read('session.get', { session_id: log.id }).messages).toBe(round + 1);
    }
  });
});
