// SPDX-License-Identifier: Apache-2.0
// Turns from outside: their events, resuming, tools, memory, cancelling, queueing, repeating, and who may do what.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Reply, ServerEvent } from '../edge/client.ts';
import { closeHouses, type House, numberOf, type Person, startHouse, textOf } from './house.ts';

const TOKENS = [
  { token: 'token-of-ada-0123456789', user_id: 'ada', name: 'ada', permissions: ['admin:*'] },
  { token: 'token-of-ben-0123456789', user_id: 'ben', name: 'ben', permissions: [] },
  { token: 'token-of-cleo-0123456789', user_id: 'cleo', name: 'cleo', permissions: ['workspace:homelab'] },
];

let house: House;
let ada: Person;
let ben: Person;
let cleo: Person;

beforeAll(async () => {
  house = await startHouse({
    auth: { tokens: TOKENS },
    workspaces: { homelab: { members: ['ada', 'ben', 'cleo'] }, office: { members: ['ada'] } },
  });
  [ada, ben, cleo] = TOKENS.map(({ token }) => house.person(token)) as [Person, Person, Person];
});
afterAll(closeHouses);

/** What every whole stream of an undisturbed turn looks like. */
function checkWhole(events: readonly ServerEvent[]): void {
  expect(events[0]?.event).toBe('turn_started');
  expect(events.map(numberOf)).toEqual(events.map((_, at) => at + 1));
  const turn = events[0]?.data.turn_id;
  expect(events.every(({ id }) => id?.startsWith(`${turn}:`))).toBe(true);
  const ends = events.filter(({ event }) => event === 'done' || event === 'error');
  expect(ends).toHaveLength(1);
  expect(events.at(-1)).toBe(ends[0]);
  if (ends[0]?.event === 'done') expect(textOf(events)).toBe(ends[0].data.content);
}

describe('the events of a turn', () => {
  it('begin with turn_started, are numbered without a gap, and end once', async () => {
    for (const words of ['hello', 'count to 5', 'what is 6*7 and what time is it?', 'naïve 🦀 Grüße — and then?']) {
      const events = await (await ada.stream(words)).all();
      checkWhole(events);
      const { turn_id } = events[0]?.data ?? {};
      const record = (await ada.get(`/api/v1/turns/${turn_id}`)).body;
      expect(record.content).toBe(events.at(-1)?.data.content);
      expect(record.reply_id).toBe(events.at(-1)?.data.reply_id);
      expect(record.usage).toEqual(events.find(({ event }) => event === 'usage')?.data);
    }
  });

  it('can be taken up at every cut while the turn runs', async () => {
    const whole = await ada.stream('count to 20');
    const { turn_id } = (await whole.named('turn_started')).data;
    const resumed = [await ada.listen(`/api/v1/turns/${turn_id}/stream`)];
    for (let n = 1; n <= 20; n += 1) {
      await whole.first((event) => numberOf(event) === n);
      resumed.push(await ada.listen(`/api/v1/turns/${turn_id}/stream`, `${turn_id}:${n}`));
    }
    const events = await whole.all();
    checkWhole(events);
    expect(events).toHaveLength(23);
    for (const [n, listener] of resumed.entries()) expect(await listener.all(), `after ${n}`).toEqual(events.slice(n));
  });

  it('can be read again at every cut after it ended', async () => {
    const events = await (await ada.stream('what is 2+3?')).all();
    const { turn_id } = events[0]?.data ?? {};
    for (let n = 0; n < events.length; n += 1) {
      const last = n === 0 ? undefined : `${turn_id}:${n}`;
      const again = await ada.listen(`/api/v1/turns/${turn_id}/stream`, last);
      expect(await again.all(), `after ${n}`).toEqual(events.slice(n));
    }
    const nothing = await ada.get(`/api/v1/turns/${turn_id}/stream`, {
      headers: { 'Last-Event-ID': `${turn_id}:${events.length}` },
    });
    expect(nothing.status).toBe(204);
    const other = await ada.get(`/api/v1/turns/${turn_id}/stream`, {
      headers: { 'Last-Event-ID': '00000000-0000-7000-8000-000000000000:1' },
    });
    expect(other.status).toBe(422);
  });

  it('reach those who follow the session, every turn whole', async () => {
    const first = (await ada.chat('hello')).body;
    const follower = await ada.listen(`/api/v1/sessions/${first.session_id}/stream`);
    const turns: (readonly ServerEvent[])[] = [];
    for (const words of ['count to 3', 'what is 9*9?', 'hello']) {
      const own = await (await ada.stream(words, { session_id: first.session_id })).all();
      turns.push(own);
      await follower.first(({ id }) => id === own.at(-1)?.id);
    }
    expect(follower.events).toEqual(turns.flat());
    follower.leave();
  });

  it('go on when the listener goes away', async () => {
    const listener = await ada.stream('count to 5');
    const { turn_id } = (await listener.named('turn_started')).data;
    listener.leave();
    const again = await (await ada.listen(`/api/v1/turns/${turn_id}/stream`)).all();
    checkWhole(again);
    expect(again.at(-1)?.data.content).toBe('1 2 3 4 5');
  });
});

describe('a turn', () => {
  it('uses tools side by side, and shows what each gave', async () => {
    const events = await (await ada.stream('what is 12*12 and what time is it?')).all();
    checkWhole(events);
    const calls = events.filter(({ event }) => event === 'tool_call').map(({ data }) => data.name);
    const results = events.filter(({ event }) => event === 'tool_result');
    expect(calls).toEqual(['calculator', 'clock']);
    expect(results.map(({ data }) => data.name).toSorted()).toEqual(['calculator', 'clock']);
    expect(results.every(({ data }) => data.is_error === false)).toBe(true);
    expect(events.at(-1)?.data.content).toContain('12*12 = 144');
    const { body } = await ada.get(`/api/v1/sessions/${events[0]?.data.session_id}/messages`);
    expect(body.items.map(({ role }: { role: string }) => role)).toEqual([
      'user',
      'assistant',
      'tool',
      'tool',
      'assistant',
    ]);
  });

  it('remembers over sessions, for its own user only', async () => {
    const told = await ada.chat('remember that my dog is called Rex');
    expect(told.status).toBe(200);
    const asked = await ada.chat('what do you know about dog?');
    expect(asked.body.session_id).not.toBe(told.body.session_id);
    expect(asked.body.content).toContain('Rex');
    const stranger = await ben.chat('what do you know about dog?');
    expect(stranger.body.content).not.toContain('Rex');
  });

  it('keeps a statement as a fact of the workspace, each person their own', async () => {
    const workspace_id = 'homelab';
    const told = await ada.chat('remember that my cat is called Mog', { workspace_id });
    expect(told.body.content).toBe('I will remember: my cat is called Mog.');
    await ada.chat('remember that my cat is called Mog', { workspace_id });
    await ben.chat('remember that my cat is called Tom', { workspace_id });
    const asked = await ada.stream('what do you know about cat?', { workspace_id });
    const result = JSON.parse((await asked.named('tool_result')).data.content);
    expect(result.items[0]).toMatchObject({ said_by: 'remembered', text: 'my cat is called Mog' });
    expect(JSON.stringify(result)).not.toContain('Tom');
    await asked.all();
    const { body } = await ben.chat('what do you know about cat?', { workspace_id });
    expect(body.content).toContain('my cat is called Tom');
    expect(body.content).not.toContain('Mog');
  });

  it('goes on in its session with what was said there', async () => {
    const { session_id } = (await ada.chat('hello')).body;
    const { status, body } = await ada.post(`/api/v1/sessions/${session_id}/messages`, { content: 'what is 1+1?' });
    expect(status).toBe(200);
    expect(body.session_id).toBe(session_id);
    const messages = (await ada.get(`/api/v1/sessions/${session_id}/messages?limit=200`)).body.items;
    expect(messages.map(({ role }: { role: string }) => role)).toEqual([
      'user',
      'assistant',
      'user',
      'assistant',
      'tool',
      'assistant',
    ]);
  });

  it('is cancelled while it runs, with what it had said', async () => {
    const listener = await ada.stream('count to 100');
    const { turn_id, session_id, message_id } = (await listener.named('turn_started')).data;
    await listener.first(({ data }) => data.text === '3 ');
    expect((await ada.post(`/api/v1/turns/${turn_id}/cancel`)).body).toMatchObject({ turn_id, status: 'cancelling' });
    const events = await listener.all();
    checkWhole(events);
    expect(events.at(-1)?.data).toMatchObject({ finish_reason: 'cancelled' });
    expect(events.at(-1)?.data.content).toMatch(/^1 2 3 /);
    expect((await ada.post(`/api/v1/turns/${turn_id}/cancel`)).body.status).toBe('ended');
    const again = await ada.chat('count to 100', { session_id, message_id });
    expect(again.status).toBe(200);
    expect(again.body).toMatchObject({ turn_id, finish_reason: 'cancelled', content: events.at(-1)?.data.content });
  });

  it('is cancelled while it waits, and the one before it is not', async () => {
    const running = await ada.stream('count to 8');
    const { session_id, turn_id } = (await running.named('turn_started')).data;
    const waiting = await ada.stream('hello', { session_id, message_id: 'waits' });
    const answer = ada.chat('hello', { session_id, message_id: 'waits' });
    const { body } = await ada.get(`/api/v1/sessions/${session_id}/messages`);
    const queued = body.items.find(({ id }: { id: string }) => id === 'waits')?.turn_id;
    expect(queued).not.toBe(turn_id);
    expect((await ada.get(`/api/v1/turns/${queued}`)).body.status).toBe('queued');
    expect((await ada.post(`/api/v1/turns/${queued}/cancel`)).status).toBe(200);
    const events = await waiting.all();
    checkWhole(events);
    expect(events.at(-1)?.data).toMatchObject({ finish_reason: 'cancelled', content: '' });
    expect((await answer).status).toBe(200);
    expect((await answer).body.finish_reason).toBe('cancelled');
    expect((await running.all()).at(-1)?.data).toMatchObject({ finish_reason: 'stop', content: '1 2 3 4 5 6 7 8' });
  });
});

describe('messages in one session', () => {
  it('are answered in the order they were taken, each with its own answer', async () => {
    const { session_id } = (await ada.chat('hello')).body;
    const replies = await Promise.all(
      Array.from({ length: 32 }, (_, at) => ada.chat(`what is ${at}*7?`, { session_id, message_id: `in-order-${at}` })),
    );
    for (const [at, { status, body }] of replies.entries()) {
      expect(status).toBe(200);
      expect(body).toMatchObject({ message_id: `in-order-${at}`, content: `${at}*7 = ${at * 7}` });
    }
    const { items } = (await ada.get(`/api/v1/sessions/${session_id}/messages?limit=200`)).body;
    const users = items.filter(
      ({ role, id }: { role: string; id: string }) => role === 'user' && id.startsWith('in-order-'),
    );
    expect(users).toHaveLength(32);
    const starts = await Promise.all(
      users.map(async ({ turn_id }: { turn_id: string }) => (await ada.get(`/api/v1/turns/${turn_id}`)).body),
    );
    for (const [at, turn] of starts.entries())
      if (at > 0) expect(turn.started_at >= starts[at - 1].ended_at).toBe(true);
  });

  it('interrupt what runs when the queue says so', async () => {
    const other = await startHouse({ sessions: { queue: 'interrupt' } });
    const running = await other.owner.stream('count to 100');
    const { session_id } = (await running.named('turn_started')).data;
    await running.first(({ data }) => data.text === '2 ');
    const next = await other.owner.chat('what is 5*5?', { session_id });
    expect(next.body).toMatchObject({ content: '5*5 = 25', finish_reason: 'stop' });
    const events = await running.all();
    checkWhole(events);
    expect(events.at(-1)?.data.finish_reason).toBe('cancelled');
    expect(events.at(-1)?.data.content).toMatch(/^1 2 /);
    await other.drain();
  });
});

describe('repeating a message', () => {
  it('runs one turn, whoever asks how often at once', async () => {
    const replies = await Promise.all(
      Array.from({ length: 50 }, () => ada.chat('count to 3', { message_id: 'fifty' })),
    );
    const bodies = new Set(replies.map(({ text }) => text));
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
    expect(bodies.size).toBe(1);
    const later = await ada.chat('count to 3', { message_id: 'fifty' });
    expect(later.text).toBe(replies[0]?.text);
    const { items } = (await ada.get(`/api/v1/sessions/${later.body.session_id}/messages`)).body;
    expect(items).toHaveLength(2);
  });

  it('joins a running turn’s stream from its beginning', async () => {
    const first = await ada.stream('count to 5', { message_id: 'joined' });
    await first.first(({ data }) => data.text === '3 ');
    const second = await ada.stream('count to 5', { message_id: 'joined' });
    expect(await second.all()).toEqual(await first.all());
    const third = await ada.stream('count to 5', { message_id: 'joined' });
    expect(await third.all()).toEqual(first.events);
  });

  it('is a conflict under the same id with another body', async () => {
    await ada.chat('hello', { message_id: 'taken' });
    expect(await ada.chat('good evening', { message_id: 'taken' })).toMatchObject({
      status: 409,
      body: { code: 'conflict' },
    });
    expect((await ada.chat('hello', { message_id: 'taken', model: 'sigil/offline' })).status).toBe(409);
    // Another person's key is another key.
    expect((await ben.chat('good evening', { message_id: 'taken' })).status).toBe(200);
  });
});

describe('who may do what', () => {
  it('does not show one person’s session, turn or answers to another', async () => {
    const { session_id, turn_id } = (await ada.chat('hello')).body;
    const refusals = [
      await ben.get(`/api/v1/sessions/${session_id}`),
      await ben.get(`/api/v1/sessions/${session_id}/messages`),
      await ben.get(`/api/v1/sessions/${session_id}/stream`),
      await ben.post(`/api/v1/sessions/${session_id}/archive`),
      await ben.post(`/api/v1/sessions/${session_id}/messages`, { content: 'hello' }),
      await ben.chat('hello', { session_id }),
      await ben.get(`/api/v1/turns/${turn_id}`),
      await ben.get(`/api/v1/turns/${turn_id}/stream`),
      await ben.post(`/api/v1/turns/${turn_id}/cancel`),
      await ben.get('/debug/actors'),
      await ben.get(`/debug/turns/${turn_id}`),
    ];
    for (const { status, body } of refusals)
      expect({ status, code: body?.code }).toEqual({ status: 403, code: 'forbidden' });
  });

  it('does not know what is not there', async () => {
    const none = '00000000-0000-7000-8000-000000000000';
    const answers = [
      await ada.get(`/api/v1/sessions/${none}`),
      await ada.get(`/api/v1/sessions/${none}/messages`),
      await ada.get(`/api/v1/sessions/${none}/stream`),
      await ada.post(`/api/v1/sessions/${none}/archive`),
      await ada.chat('hello', { session_id: none }),
      await ada.post(`/api/v1/sessions/${none}/messages`, { content: 'hello' }),
      await ada.get(`/api/v1/turns/${none}`),
      await ada.get(`/api/v1/turns/${none}/stream`),
      await ada.post(`/api/v1/turns/${none}/cancel`),
      await ada.get(`/debug/turns/${none}`),
      await ada.get(`/debug/actors/session/${none}`),
      await ada.chat('hello', { workspace_id: 'nowhere' }),
      await ada.get('/api/v1/workspaces/nowhere/sessions'),
    ];
    for (const { status, body } of answers)
      expect({ status, code: body?.code }).toEqual({ status: 404, code: 'not_found' });
  });

  it('lets members into a workspace, and nobody else', async () => {
    expect((await ben.chat('hello', { workspace_id: 'homelab' })).status).toBe(200);
    expect(await ben.chat('hello', { workspace_id: 'office' })).toMatchObject({
      status: 403,
      body: { code: 'not_a_member' },
    });
    expect(await ben.get('/api/v1/workspaces/office/sessions')).toMatchObject({
      status: 403,
      body: { code: 'not_a_member' },
    });
    expect(await ben.chat('hello', { workspace_id: 'personal:ada' })).toMatchObject({
      status: 403,
      body: { code: 'not_a_member' },
    });
    // A token that names workspaces opens those only, whoever holds it.
    expect((await cleo.chat('hello', { workspace_id: 'homelab' })).status).toBe(200);
    expect(await cleo.chat('hello')).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });

  it('lists to each what is theirs', async () => {
    const own = (await ben.chat('hello', { workspace_id: 'homelab' })).body.session_id;
    const others = (await cleo.chat('hello', { workspace_id: 'homelab' })).body.session_id;
    const ids = (await ben.get('/api/v1/workspaces/homelab/sessions?limit=200')).body.items.map(
      ({ id }: { id: string }) => id,
    );
    expect(ids).toContain(own);
    expect(ids).not.toContain(others);
    const all = (await ada.get('/api/v1/workspaces/homelab/sessions?limit=200')).body.items.map(
      ({ id }: { id: string }) => id,
    );
    expect(all).toEqual(expect.arrayContaining([own, others]));
  });

  it('takes no message for an archived session, and still shows it', async () => {
    const { session_id, message_id, turn_id } = (await ada.chat('hello')).body;
    expect((await ada.post(`/api/v1/sessions/${session_id}/archive`)).body.status).toBe('archived');
    expect(await ada.chat('hello', { session_id })).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect((await ada.get(`/api/v1/sessions/${session_id}/messages`)).body.items).toHaveLength(2);
    expect((await ada.get(`/api/v1/turns/${turn_id}`)).body.message_id).toBe(message_id);
    expect((await ada.post(`/api/v1/sessions/${session_id}/archive`)).status).toBe(200);
  });
});

describe('what a turn may cost', () => {
  it('is held to the budget of a session', async () => {
    const other = await startHouse({ models: { budgets: { per_session_tokens: 2_500 } } });
    const first = await other.owner.chat('hello');
    expect(first.status).toBe(200);
    let { session_id } = first.body;
    let refused = first;
    for (let at = 0; at < 10 && refused.status === 200; at += 1)
      refused = await other.owner.chat('hello', { session_id, message_id: `m${at}` });
    expect(refused).toMatchObject({ status: 402, body: { code: 'budget_exceeded' } });
    expect(refused.body.detail).toContain('2500');
    // Refused is refused: the same message again is answered from its record.
    const again = await other.owner.chat('hello', { session_id, message_id: refused.body.message_id });
    expect(again).toMatchObject({ status: 402, body: { turn_id: refused.body.turn_id } });
    const streamed = await (await other.owner.stream('hello', { session_id })).all();
    expect(streamed.map(({ event }) => event)).toEqual(['turn_started', 'usage', 'error']);
    // Another session has a budget of its own.
    session_id = (await other.owner.chat('hello')).body.session_id;
    expect(session_id).not.toBe(first.body.session_id);
    await other.drain();
  });

  it('is held to the budget of the hour, which says when it begins anew', async () => {
    const other = await startHouse({ models: { budgets: { per_hour_tokens: 3_000 } } });
    const replies: Reply[] = [];
    for (let at = 0; at < 8; at += 1) replies.push(await other.owner.chat('hello'));
    const refused = replies.find(({ status }) => status !== 200);
    expect(replies[0]?.status).toBe(200);
    expect(refused).toMatchObject({ status: 402, body: { code: 'budget_exceeded' } });
    expect(refused?.body.detail).toContain('3000');
    expect(refused?.body.detail).toMatch(/per_hour_tokens/);
    expect(refused?.body.detail).toMatch(/\d{4}-\d\d-\d\dT\d\d:00:00/);
    const { budgets } = (await other.owner.get('/api/v1/status')).body;
    const hour = budgets.find(({ scope }: { scope: string }) => scope === 'global').used.hour.tokens;
    expect(hour).toBeGreaterThan(0);
    expect(hour).toBeLessThanOrEqual(3_000);
    await other.drain();
  });

  it('needs a model that exists', async () => {
    for (const model of ['sigil/nothing', 'nobody/offline', 'offline', 'a b/c', '/'])
      expect(await ada.chat('hello', { model }), model).toMatchObject({
        status: 422,
        body: { code: 'validation_failed' },
      });
    expect((await ada.chat('hello', { model: 'sigil/offline' })).body.model).toBe('sigil/offline');
  });

  it('is refused before it is anything when it is empty, blank, broken or too large', async () => {
    for (const content of ['', '   \n', '\ud800', 7, null])
      expect((await ada.post('/api/v1/chat', { content })).status).toBe(422);
    const large = await ada.chat('x'.repeat(1_100_000));
    expect(large).toMatchObject({ status: 413, body: { code: 'payload_too_large' } });
    // What fits a request but no model is taken, and its turn says so.
    const most = await ada.chat(`hello ${'x'.repeat(900_000)}`);
    expect(most).toMatchObject({ status: 413, body: { code: 'payload_too_large', turn_id: expect.any(String) } });
  });
});
