// SPDX-License-Identifier: Apache-2.0
// Threads that die while they work: another takes their name, turns go on, and nothing is lost, doubled or left waiting.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PATIENCE_MS } from '../../src/edge/ask.ts';
import { auditJournal } from '../crash/audit.ts';
import { type Reply, type ServerEvent, until } from '../edge/client.ts';
import { closeHouses, type House, numberOf, startHouse, textOf } from './house.ts';

afterAll(closeHouses);

interface ThreadState {
  readonly name: string;
  readonly state: string;
  readonly life: number;
  readonly restarts: number;
}

async function threadOf(house: House, name: string): Promise<ThreadState> {
  const { items } = (await house.owner.get('/debug/threads')).body;
  return items.find((item: ThreadState) => item.name === name);
}

/** Ends a thread and waits until its next life answers. */
async function killed(house: House, name: string): Promise<void> {
  const { life } = await threadOf(house, name);
  await house.killThread(name);
  await until(async () => {
    const now = await threadOf(house, name);
    return now.state === 'up' && now.life > life;
  });
}

async function laneOf(house: House, sessionId: string): Promise<string> {
  return (await house.owner.get(`/debug/actors/session/${sessionId}`)).body.thread;
}

/** A session that lives on a thread. */
async function sessionOn(house: House, lane: string): Promise<string> {
  for (;;) {
    const { session_id } = (await house.owner.chat('hello')).body;
    if ((await laneOf(house, session_id)) === lane) return session_id;
  }
}

function rising(events: readonly ServerEvent[]): boolean {
  return events.every((event, at) => at === 0 || numberOf(event) > numberOf(events[at - 1] ?? event));
}

/** Nothing in the journal is lost, doubled or out of order. */
async function checkJournal(house: House): Promise<void> {
  await house.drain();
  expect(auditJournal(house.dataDir).problems).toEqual([]);
}

/** Chats, each in a session of its own, while something is done to the house; all are answered. */
async function chatsDuring(house: House, name: string, what: () => Promise<void>): Promise<readonly Reply[]> {
  const replies: Promise<Reply>[] = [];
  let doing = true;
  const done = what().finally(() => {
    doing = false;
  });
  const one = async (client: number): Promise<void> => {
    for (let at = 0; doing || at < 3; at += 1) {
      const reply = house.owner.chat(`what is ${client}+${at}?`, { message_id: `${name}-${client}-${at}` });
      replies.push(reply);
      await reply;
    }
  };
  await Promise.all([done, ...Array.from({ length: 8 }, (_, client) => one(client))]);
  return await Promise.all(replies);
}

function checkAnswers(replies: readonly Reply[]): void {
  for (const { status, body } of replies) {
    const [, client, at] = /-(\d+)-(\d+)$/.exec(body?.message_id ?? '') ?? [];
    expect({ status, content: body?.content }).toEqual({
      status: 200,
      content: `${client}+${at} = ${Number(client) + Number(at)}`,
    });
  }
  expect(new Set(replies.map(({ body }) => body.turn_id)).size).toBe(replies.length);
}

describe('a lane’s thread that dies', () => {
  it('gives its turns to its next life: listeners are told to begin again, and everybody gets the whole answer', async () => {
    const house = await startHouse();
    const listener = await house.owner.stream('count to 12', { message_id: 'counted' });
    const { session_id, turn_id } = (await listener.named('turn_started')).data;
    const waiting = house.owner.chat('count to 12', { message_id: 'counted' });
    const queued = house.owner.chat('what is 8*8?', { session_id, message_id: 'behind' });
    await listener.first(({ data }) => data.text === '4 ');
    const late = await house.owner.listen(`/api/v1/turns/${turn_id}/stream`, `${turn_id}:3`);
    await late.first(({ data }) => data.text === '4 ');
    const lane = await laneOf(house, session_id);
    await killed(house, lane);

    const events = await listener.all();
    expect(rising(events)).toBe(true);
    expect(events.filter(({ event }) => event === 'turn_restarted').map(({ data }) => data)).toEqual([
      { reason: 'resumed' },
    ]);
    expect(events.filter(({ event }) => event === 'done' || event === 'error')).toHaveLength(1);
    const content = '1 2 3 4 5 6 7 8 9 10 11 12';
    expect(textOf(events)).toBe(content);
    expect(events.at(-1)?.data).toMatchObject({ content, finish_reason: 'stop' });
    expect(await late.all()).toEqual(events.filter((event) => numberOf(event) > 3));
    expect((await waiting).body).toMatchObject({ turn_id, content });
    expect((await queued).body).toMatchObject({ session_id, content: '8*8 = 64' });
    // What is told from the record is what was told live, except for what only the first life had said.
    const again = await (await house.owner.listen(`/api/v1/turns/${turn_id}/stream`)).all();
    expect(again[0]).toEqual(events[0]);
    const from = events.findIndex(({ event }) => event === 'turn_restarted');
    expect(again.slice(1)).toEqual(events.slice(from));

    const status = (await house.owner.get('/api/v1/status')).body;
    expect(status.state).toBe('running');
    expect(status.restarts).toEqual([expect.objectContaining({ thread: lane, count: 1 })]);
    expect(await threadOf(house, lane)).toMatchObject({ restarts: 1, life: 2, state: 'up' });
    const steps = (await house.owner.get(`/debug/turns/${turn_id}`)).body.steps;
    expect(steps.filter(({ type }: { type: string }) => type === 'turn_resumed')).toHaveLength(1);
    await checkJournal(house);
  });

  it('is not tried for ever over the same turn: it ends poisoned, and its session goes on', async () => {
    const house = await startHouse();
    const listener = await house.owner.stream('count to 500', { message_id: 'deadly' });
    const { session_id } = (await listener.named('turn_started')).data;
    const lane = await laneOf(house, session_id);
    const queued = house.owner.chat('what is 8*8?', { session_id, message_id: 'behind' });
    for (let life = 1; life <= 4; life += 1) {
      await killed(house, lane);
      await until(() => listener.events.filter(({ event }) => event === 'turn_restarted').length >= life);
    }
    const events = await listener.all();
    expect(rising(events)).toBe(true);
    expect(events.at(-1)).toMatchObject({ event: 'error', data: { code: 'poisoned' } });
    expect(events.filter(({ event }) => event === 'done' || event === 'error')).toHaveLength(1);
    expect((await queued).body.content).toBe('8*8 = 64');
    const again = await house.owner.chat('count to 500', { session_id, message_id: 'deadly' });
    expect(again).toMatchObject({ status: 500, body: { code: 'poisoned' } });
    await checkJournal(house);
  });

  it('rests when it dies too often: its sessions are refused at once, and the others go on', async () => {
    const house = await startHouse();
    const here = await sessionOn(house, 'lane-1');
    const there = await sessionOn(house, 'lane-2');
    for (let life = 1; life <= 5; life += 1) await killed(house, 'lane-1');
    await house.killThread('lane-1');
    const status = async () => (await house.owner.get('/api/v1/status')).body;
    await until(async () => (await status()).quarantined.length > 0);
    const { state, quarantined, threads } = await status();
    expect(state).toBe('running');
    expect(quarantined).toEqual([
      expect.objectContaining({ what: 'thread/lane-1', advice: expect.stringContaining('tried again at 2') }),
    ]);
    expect(threads).toContainEqual(
      expect.objectContaining({
        name: 'lane-1',
        state: 'quarantined',
        restarts: 5,
        last_restart: { at: expect.any(String), reason: 'error' },
      }),
    );
    const refused = await house.owner.chat('what is 2*2?', { session_id: here });
    expect(refused).toMatchObject({ status: 503, body: { code: 'thread_lost' } });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await house.owner.chat('what is 2*2?', { session_id: there })).body.content).toBe('2*2 = 4');
    await house.drain();
  });

  it('ends the gateway when it was the only one: closed rejects, and a drain still comes to its end', async () => {
    const house = await startHouse({ gateway: { drain_timeout: '500ms', threads: 1 } });
    let ended: unknown;
    house.gateway.closed.catch((error: unknown) => {
      ended = error;
    });
    for (let life = 1; ended === undefined; life += 1) {
      expect(life).toBeLessThan(10);
      await house.killThread('lane-1');
      await until(async () => {
        const now = await threadOf(house, 'lane-1');
        return ended !== undefined || (now.state === 'up' && now.life > life);
      });
    }
    expect(ended).toMatchObject({ failure: { code: 'thread_lost' } });
    await house.drain();
  });
});

/** One gateway for all: none of its threads ends so often that it rests. */
describe('while others are asked and answered', () => {
  let house: House;
  beforeAll(async () => {
    house = await startHouse();
  });
  const restarts = async (): Promise<readonly { readonly thread: string; readonly count: number }[]> =>
    (await house.owner.get('/api/v1/status')).body.restarts;

  describe('a lane’s thread that dies', () => {
    it('does not end what is asked of it meanwhile, nor what the other lanes do', async () => {
      const replies = await chatsDuring(house, 'lane', async () => {
        await killed(house, 'lane-1');
        await killed(house, 'lane-2');
      });
      checkAnswers(replies);
    });
  });

  describe('the journal’s thread that dies', () => {
    it('loses nothing and doubles nothing: what was asked is asked again', async () => {
      const listener = await house.owner.stream('count to 12');
      await listener.named('turn_started');
      const replies = await chatsDuring(house, 'journal', async () => {
        await killed(house, 'journal');
        await killed(house, 'journal');
      });
      checkAnswers(replies);
      const events = await listener.all();
      expect(events.map(numberOf)).toEqual(events.map((_, at) => at + 1));
      expect(events.at(-1)?.data.content).toBe('1 2 3 4 5 6 7 8 9 10 11 12');
    });
  });

  describe.each(['views', 'read'] as const)('the %s thread that dies', (name) => {
    it('is waited for: answers and reads come from its next life', async () => {
      const before = await restarts();
      const { session_id } = (await house.owner.chat('hello')).body;
      const reads: Promise<Reply>[] = [];
      const replies = await chatsDuring(house, name, async () => {
        for (let life = 0; life < 2; life += 1) {
          const kill = killed(house, name);
          for (let at = 0; at < 10; at += 1) reads.push(house.owner.get(`/api/v1/sessions/${session_id}`));
          await kill;
        }
      });
      checkAnswers(replies);
      // A read is not repeated by the gateway, but answered: with what was asked for, or that it may be asked again.
      for (const { status, headers, body } of await Promise.all(reads)) {
        if (status === 200) expect(body.id).toBe(session_id);
        else {
          expect(status).toBe(503);
          expect(['thread_lost', 'view_behind']).toContain(body.code);
          expect(Number(headers['retry-after'])).toBeGreaterThan(0);
        }
      }
      for (const { body } of replies.slice(-20)) {
        const messages = (await house.owner.get(`/api/v1/sessions/${body.session_id}/messages`)).body.items;
        expect(messages).toHaveLength(4);
      }
      const others = new Set(before.map(({ thread }) => thread));
      expect((await restarts()).filter(({ thread }) => !others.has(thread))).toEqual([
        expect.objectContaining({ thread: name, count: 2 }),
      ]);
    });
  });

  it('leaves nothing in the journal lost, doubled or out of order', async () => {
    await checkJournal(house);
  });
});

describe('the read thread that dies too often', () => {
  it('stays away: what needs it is refused at once, by every thread, and everything else goes on', async () => {
    const house = await startHouse();
    const { session_id } = (await house.owner.chat('hello')).body;
    for (let life = 1; life <= 5; life += 1) await killed(house, 'read');
    await house.killThread('read');
    const status = async () => (await house.owner.get('/api/v1/status')).body;
    await until(async () => (await status()).quarantined.length > 0);

    const { state, quarantined, threads } = await status();
    expect(state).toBe('running');
    expect(quarantined).toEqual([
      expect.objectContaining({
        what: 'thread/read',
        code: 'thread_lost',
        message: 'Thread read ended 6 times within a minute (error).',
      }),
    ]);
    expect(threads).toContainEqual(expect.objectContaining({ name: 'read', state: 'quarantined', restarts: 5 }));
    expect((await house.client.call('GET', '/ready')).status).toBe(200);

    const refused = {
      status: 503,
      body: { code: 'thread_lost', detail: 'thread/read ended too often and rests before it is tried again.' },
    };
    const began = performance.now();
    expect(await house.owner.get(`/api/v1/sessions/${session_id}`)).toMatchObject(refused);
    // A whole answer is taken from the record; asking there again and again would not bring it.
    expect(await house.owner.chat('hello', { session_id })).toMatchObject(refused);
    expect(performance.now() - began).toBeLessThan(PATIENCE_MS / 2);
    const listener = await house.owner.stream('count to 4', { session_id });
    expect((await listener.named('done')).data.content).toBe('1 2 3 4');

    /** Dead letters to the read thread, of one life of the views' thread. */
    const letters = async () => {
      const { dead_letters } = (await house.owner.get('/debug/bus')).body;
      return dead_letters.filter(({ from, reason }: { from: string; reason: string }) => {
        return from === 'store/views' && reason === 'thread_lost';
      });
    };
    await until(async () => (await letters()).length > 0);
    // One that starts later knows it too.
    await killed(house, 'views');
    const after = await house.owner.stream('count to 2', { session_id });
    expect((await after.named('done')).data.content).toBe('1 2');
    await until(async () => (await letters()).length > 0);
    await checkJournal(house);
  });
});

describe('every thread at once', () => {
  it('comes back, and the turns with it', async () => {
    const house = await startHouse();
    const listener = await house.owner.stream('count to 10');
    const { session_id } = (await listener.named('turn_started')).data;
    await listener.first(({ data }) => data.text === '3 ');
    const { items } = (await house.owner.get('/debug/threads')).body;
    const names: string[] = items
      .filter(({ name, state }: ThreadState) => name !== 'main' && state === 'up')
      .map(({ name }: ThreadState) => name);
    expect(names).toEqual(expect.arrayContaining(['journal', 'views', 'read', 'lane-1', 'lane-2']));
    await Promise.all(names.map((name) => house.killThread(name)));
    const events = await listener.all();
    expect(rising(events)).toBe(true);
    expect(textOf(events)).toBe('1 2 3 4 5 6 7 8 9 10');
    expect(events.at(-1)).toMatchObject({ event: 'done', data: { finish_reason: 'stop' } });
    expect((await house.owner.chat('what is 3*3?', { session_id })).body.content).toBe('3*3 = 9');
    const { restarts } = (await house.owner.get('/api/v1/status')).body;
    expect(restarts.map(({ thread }: { thread: string }) => thread).toSorted()).toEqual([...names].sort());
    await checkJournal(house);
  });
});
