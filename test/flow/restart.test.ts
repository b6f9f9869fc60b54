// SPDX-License-Identifier: Apache-2.0
// Stopping and starting on the same data, reading right after writing, and lanes that sleep and wake as they were.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditJournal } from '../crash/audit.ts';
import { usualRuns } from '../drawn.ts';
import { until } from '../edge/client.ts';
import { closeHouses, type House, numberOf, startHouse, textOf } from './house.ts';

afterAll(closeHouses);

interface Message {
  readonly id: string;
  readonly role: string;
  readonly content: string;
}

async function messagesOf(house: House, sessionId: string): Promise<readonly Message[]> {
  return (await house.owner.get(`/api/v1/sessions/${sessionId}/messages?limit=200`)).body.items;
}

/** Sessions awake now. */
async function awake(house: House): Promise<readonly string[]> {
  const { items } = (await house.owner.get('/debug/actors?kind=session&limit=200')).body;
  return items.map(({ id }: { id: string }) => id);
}

describe('stopping and starting', () => {
  it('keeps what was said, and goes on with the turn that ran', async () => {
    const before = await startHouse({ gateway: { drain_timeout: '150ms' } });
    const told = (await before.owner.chat('what is 2+2?', { message_id: 'first' })).body;
    const running = await before.owner.stream('count to 15', { message_id: 'long' });
    const { turn_id, session_id } = (await running.named('turn_started')).data;
    const queued = before.owner.chat('what is 5*5?', { session_id, message_id: 'behind' });
    await running.first(({ data }) => data.text === '5 ');
    const waits = async (): Promise<boolean> =>
      (await messagesOf(before, session_id)).some(({ id }) => id === 'behind');
    await until(waits);
    await before.drain();
    const cut = await running.all();
    // What the gateway says itself at the end is no event of the turn: it has no id to come back after.
    expect(cut.at(-1)).toMatchObject({ event: 'error', data: { code: 'draining' } });
    expect(cut.at(-1)?.id).toBeUndefined();
    expect(await queued).toMatchObject({ status: 503, body: { code: 'draining', session_id, message_id: 'behind' } });

    const after = await startHouse({}, before.dataDir);
    const last = cut.findLast(({ id }) => id !== undefined)?.id;
    const rest = await (await after.owner.listen(`/api/v1/turns/${turn_id}/stream`, last)).all();
    expect(rest[0]).toMatchObject({ event: 'turn_restarted', data: { reason: 'resumed' } });
    expect(rest.every((event, at) => at === 0 || numberOf(event) === numberOf(rest[at - 1] ?? event) + 1)).toBe(true);
    expect(textOf([...cut, ...rest])).toBe('1 2 3 4 5 6 7 8 9 10 11 12 13 14 15');
    expect(rest.at(-1)).toMatchObject({ event: 'done', data: { finish_reason: 'stop' } });
    expect((await after.owner.chat('what is 5*5?', { session_id, message_id: 'behind' })).body.content).toBe(
      '5*5 = 25',
    );
    expect((await after.owner.chat('what is 2+2?', { message_id: 'first' })).body).toEqual(told);
    expect(await messagesOf(after, told.session_id)).toHaveLength(4);
    expect((await messagesOf(after, session_id)).map(({ role }) => role)).toEqual([
      'user',
      'user',
      'assistant',
      'assistant',
      'tool',
      'assistant',
    ]);
    const types = (await after.owner.get(`/debug/turns/${turn_id}`)).body.steps.map(
      ({ type }: { type: string }) => type,
    );
    expect(types).toEqual([
      'message_received',
      'turn_started',
      'model_called',
      'turn_resumed',
      'model_called',
      'model_replied',
      'turn_finished',
    ]);
    await after.drain();
    expect(auditJournal(after.dataDir).problems).toEqual([]);
  });

  it('finishes what runs before it stops, and takes nothing new meanwhile', async () => {
    const house = await startHouse({ gateway: { drain_timeout: '10s' } });
    const running = await house.owner.stream('count to 6', { message_id: 'long' });
    const { session_id } = (await running.named('turn_started')).data;
    const queued = house.owner.chat('what is 5*5?', { session_id, message_id: 'behind' });
    await until(async () => (await messagesOf(house, session_id)).some(({ id }) => id === 'behind'));
    const drained = house.drain();
    const refused = await house.owner.chat('hello');
    expect(refused).toMatchObject({ status: 503, body: { code: 'draining' } });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await house.owner.get('/ready')).status).toBe(503);
    expect((await house.owner.get('/health')).status).toBe(200);
    expect((await running.all()).at(-1)).toMatchObject({ event: 'done', data: { content: '1 2 3 4 5 6' } });
    expect((await queued).body.content).toBe('5*5 = 25');
    await drained;
  });

  it('does it again and again without losing count', async () => {
    let house = await startHouse();
    const { session_id } = (await house.owner.chat('hello')).body;
    for (let at = 0; at < 4; at += 1) {
      await house.drain();
      house = await startHouse({}, house.dataDir);
      expect((await house.owner.chat(`what is ${at}*2?`, { session_id, message_id: `m${at}` })).body.content).toBe(
        `${at}*2 = ${at * 2}`,
      );
    }
    expect(await messagesOf(house, session_id)).toHaveLength(2 + 4 * 4);
  });
});

describe('reading right after writing', () => {
  let house: House;
  beforeAll(async () => {
    house = await startHouse();
  });

  const times = usualRuns(200);
  it(`always shows what was acknowledged, ${times} times`, async () => {
    const { session_id } = (await house.owner.chat('hello')).body;
    let stale = 0;
    for (let at = 0; at < times; at += 1) {
      const answer = (await house.owner.chat('hello', at % 2 === 0 ? {} : { session_id })).body;
      const [turn, session, messages] = await Promise.all([
        house.owner.get(`/api/v1/turns/${answer.turn_id}`),
        house.owner.get(`/api/v1/sessions/${answer.session_id}`),
        at % 10 === 0 ? messagesOf(house, answer.session_id) : undefined,
      ]);
      if (turn.body.status !== 'finished' || turn.body.reply_id !== answer.reply_id) stale += 1;
      if (session.status !== 200 || session.body.turns < (at % 2 === 0 ? 1 : 2)) stale += 1;
      if (messages !== undefined && messages.at(-1)?.id !== answer.reply_id) stale += 1;
    }
    expect(stale).toBe(0);
  });

  it('shows a message as soon as its stream has headers', async () => {
    for (let at = 0; at < 20; at += 1) {
      const listener = await house.owner.stream('count to 2', { message_id: `m${at}` });
      const { session_id } = (await listener.named('turn_started')).data;
      expect((await messagesOf(house, session_id))[0]?.id).toBe(`m${at}`);
      listener.leave();
    }
  });

  it('shows an archived session as archived', async () => {
    for (let at = 0; at < 10; at += 1) {
      const { session_id } = (await house.owner.chat('hello')).body;
      await house.owner.post(`/api/v1/sessions/${session_id}/archive`);
      expect((await house.owner.get(`/api/v1/sessions/${session_id}`)).body.status).toBe('archived');
      expect((await house.owner.chat('hello', { session_id })).status).toBe(409);
    }
  });
});

describe('a lane that has slept', () => {
  /** The same words in two sessions, of which one sleeps in between, must cost the same: the prompt is the same. */
  async function talk(house: House, sessionId: string): Promise<unknown> {
    const { body } = await house.owner.chat('what is 7*7?', { session_id: sessionId });
    return body.usage;
  }

  it('wakes with its history and still knows every message it was sent', async () => {
    const house = await startHouse({ gateway: { session_idle_timeout: '1s' } });
    const first = (await house.owner.chat('hello', { message_id: 'slept' })).body;
    await house.owner.chat('what is 1+1?', { session_id: first.session_id, message_id: 'second' });
    expect(await awake(house)).toContain(first.session_id);
    await until(async () => !(await awake(house)).includes(first.session_id));
    const asleep = (await house.owner.get(`/debug/actors/session/${first.session_id}`)).body;
    expect(asleep).toMatchObject({ asleep: true, state: 'asleep', parent: 'workspace/personal:owner', recent: [] });
    const again = await house.owner.chat('hello', { message_id: 'slept' });
    expect(again.body).toEqual(first);
    expect((await house.owner.chat('good evening', { message_id: 'slept' })).status).toBe(409);
    expect(await messagesOf(house, first.session_id)).toHaveLength(6);
    const other = (await house.owner.chat('hello')).body.session_id;
    await house.owner.chat('what is 1+1?', { session_id: other });
    expect(await talk(house, first.session_id)).toEqual(await talk(house, other));
  });

  it('makes room for others when too many are awake, and nobody notices; a listener wakes it too', async () => {
    const house = await startHouse({ gateway: { awake_max: 5, threads: 1 } });
    const { session_id } = (await house.owner.chat('hello')).body;
    for (let at = 0; at < 5; at += 1) await house.owner.chat('hello');
    await until(async () => !(await awake(house)).includes(session_id));
    const follower = await house.owner.listen(`/api/v1/sessions/${session_id}/stream`);
    for (let at = 0; at < 5; at += 1) await house.owner.chat('hello');
    const { turn_id } = (await house.owner.chat('what is 3*4?', { session_id })).body;
    const done = await follower.named('done');
    expect(done.data).toMatchObject({ turn_id, content: '3*4 = 12' });
    follower.leave();

    const ids: string[] = [];
    for (let at = 0; at < 40; at += 1)
      ids.push((await house.owner.chat(`what is ${at}+1?`, { message_id: `m${at}` })).body.session_id);
    await until(async () => (await awake(house)).length <= 5);
    const replies = await Promise.all(
      ids.map((session_id, at) => house.owner.chat(`what is ${at}+2?`, { session_id, message_id: `n${at}` })),
    );
    expect(replies.map(({ body }) => body.content)).toEqual(ids.map((_, at) => `${at}+2 = ${at + 2}`));
    const repeated = await Promise.all(
      ids.map((_, at) => house.owner.chat(`what is ${at}+1?`, { message_id: `m${at}` })),
    );
    expect(repeated.map(({ body }) => body.session_id)).toEqual(ids);
    for (const session_id of ids.slice(0, 5)) expect(await messagesOf(house, session_id)).toHaveLength(8);
    await house.drain();
    expect(auditJournal(house.dataDir).problems).toEqual([]);
  });
});
