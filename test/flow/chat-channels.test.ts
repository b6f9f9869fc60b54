// SPDX-License-Identifier: Apache-2.0
// Chat channels in a whole gateway, from a platform to a session and back, with a platform that does what it is told.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Account, ScriptedPlatform } from '../channels/scripted/platform.ts';
import { until } from '../edge/client.ts';
import { closeHouses, type House, startHouse } from './house.ts';

const platform = new ScriptedPlatform();
let house: House;
const accounts = ['one', 'two', 'grown', 'once', 'window', 'lookup', 'door', 'open'] as const;
const account = (name: (typeof accounts)[number] | 'wrong'): Account => platform.account(name);

const people = ['ann', 'bob', 'cyd', 'dan', 'eve', 'fay', 'gil', 'hal'];

beforeAll(async () => {
  process.env['SIGIL_TEST_CHANNELS'] = fileURLToPath(new URL('../channels/scripted/adapters.ts', import.meta.url));
  await platform.listen();
  const entry = (name: string, more: Record<string, unknown> = {}) => ({
    ...{ type: 'irc', pairing: 'closed', scripted: platform.port, account: name, ...more },
  });
  account('wrong').token = 'another';
  account('window').window = true;
  house = await startHouse({
    users: people.map((id) => ({
      ...{ id, name: id, role: 'owner', session_mode: 'per_channel' },
      identities: [{ channel: 'irc', platform_id: id }],
    })) as never,
    channels: {
      one: entry('one', { typing: true }),
      two: entry('two', { longest: 24 }),
      grown: entry('grown', { editing: true, typing: true }),
      once: entry('once', { redeliver: false }),
      window: entry('window', { dedupe: 'window' }),
      lookup: entry('lookup', { dedupe: 'lookup' }),
      wrong: entry('wrong'),
      door: entry('door', { pairing: 'pair_on_request' }),
      open: entry('open', { pairing: 'open' }),
      hanging: entry('hanging', { hangs: true }),
      throwing: entry('throwing', { throws: true }),
      unusable: { type: 'irc', nick: 'two words' },
    },
  });
});
afterAll(async () => {
  delete process.env['SIGIL_TEST_CHANNELS'];
  await closeHouses();
  await platform.close();
});

interface Status {
  readonly state: string;
  readonly received: number;
  readonly sent: number;
  readonly waiting: number;
  readonly dead_letters: number;
  readonly last_error: { readonly code: string; readonly message: string } | null;
  readonly advice: string | null;
}
const statusOf = async (name: string): Promise<Status> => (await house.owner.get(`/api/v1/channels/${name}`)).body;
const state = (name: string, wanted: string): Promise<void> =>
  until(async () => (await statusOf(name)).state === wanted);

/** A person says something and waits for the answer. */
async function ask(name: (typeof accounts)[number], from: string, text: string): Promise<readonly string[]> {
  const there = account(name);
  const before = there.texts(`dm-${from}`).length;
  there.say({ from, text });
  await there.until(() => there.texts(`dm-${from}`).length > before);
  return there.texts(`dm-${from}`).slice(before);
}

describe('a message of a chat platform', () => {
  it('is answered where it was said', async () => {
    const [said] = await ask('one', 'ann', 'count to 7');
    expect(said).toContain('7');
    await until(() => account('one').unacked === 0);
  });

  it('is one message however often the platform sends it', async () => {
    const there = account('two');
    const key = there.say({ from: 'ann', text: 'count to 3' });
    await there.until(() => there.shown.length === 1);
    there.again(key, 'count to 3', 'ann');
    await there.until(() => there.acked.filter((acked) => acked === key).length === 2);
    const [said] = await ask('two', 'ann', 'count to 4');
    expect(said).toContain('4');
    expect(there.texts('dm-ann')).toHaveLength(2);
  });

  it('is answered in parts where the answer is long, in their order', async () => {
    const there = account('two');
    there.say({ from: 'hal', text: 'count to 20' });
    await there.until(() => there.texts('dm-hal').join(' ').includes('20'));
    const parts = there.texts('dm-hal');
    expect(parts.length).toBeGreaterThan(2);
    expect(parts.every((part) => part.length <= 24)).toBe(true);
    const numbers = parts.flatMap((part) => part.match(/\d+/g) ?? []);
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, at) => String(at + 1)));
  });

  it('is nothing to the agent in a group that does not call it', async () => {
    const there = account('one');
    const key = there.say({ from: 'ann', in: 'room', text: 'among people' });
    await there.until(() => there.acked.includes(key));
    expect(there.texts('room')).toEqual([]);
  });

  it('of a stranger costs nothing and is told nothing', async () => {
    const there = account('one');
    const key = there.say({ from: 'mallory', text: 'let me in' });
    await there.until(() => there.acked.includes(key));
    expect(there.texts('dm-mallory')).toEqual([]);
  });
});

describe('what a person says that is for the channel itself', () => {
  it('is carried out once, however often it is sent', async () => {
    const there = account('one');
    const [help] = await ask('one', 'gil', '/help');
    expect(help).toContain('/new');
    there.again(there.acked.at(-1) ?? '', '/help', 'gil');
    const [status] = await ask('one', 'gil', '/status');
    expect(status).toContain('You are gil (owner)');
    expect(there.texts('dm-gil')).toHaveLength(2);
  });

  it('begins a conversation anew, which is answered where it was said', async () => {
    await ask('one', 'gil', 'count to 2');
    expect(await ask('one', 'gil', '/new')).toEqual(['A new conversation. What was said before is kept.']);
    expect(await ask('one', 'gil', 'count to 3')).toEqual(['1 2 3']);
  });

  it('stops what runs, and the stop is said while it still does', async () => {
    const there = account('one');
    there.say({ from: 'hal', text: 'count to 500' });
    await until(() => there.typed.includes('dm-hal'));
    expect(await ask('one', 'hal', '/stop')).toEqual(['Stopping.']);
  });

  it('lets somebody in whom an owner approves, on their own channel', async () => {
    const there = account('door');
    await ask('door', 'ann', 'count to 2');
    const [sent] = await ask('door', 'zoe', 'let me in');
    expect(sent).toContain('Your request was sent');
    await there.until(() => there.texts('dm-ann').some((text) => text.includes('zoe')));
    const id = /approve (\S+)/.exec(there.texts('dm-ann').at(-1) ?? '')?.[1];
    expect((await ask('door', 'ann', `/approve ${id}`))[0]).toContain('is let in');
    await there.until(() => there.texts('dm-zoe').some((text) => text.includes('You are let in')));
    expect(await ask('door', 'zoe', 'count to 3')).toEqual(['1 2 3']);
  });

  it('tells somebody that they are let in whom an owner approves elsewhere, once', async () => {
    const there = account('door');
    await ask('door', 'ulf', 'let me in');
    const pending = async () => (await house.owner.get('/api/v1/pairings?status=pending')).body.items;
    const { id } = (await pending()).find(({ platform_id }: { platform_id: string }) => platform_id === 'ulf');
    for (let times = 0; times < 2; times += 1)
      expect(
        (await house.owner.get(`/api/v1/pairings/${id}`, { method: 'PATCH', json: { status: 'active' } })).status,
      ).toBe(200);
    await there.until(() => there.texts('dm-ulf').length > 1);
    expect(await ask('door', 'ulf', 'count to 3')).toEqual(['1 2 3']);
    expect(there.texts('dm-ulf').filter((text) => text.startsWith('You are let in'))).toHaveLength(1);
  });

  it('is erased with them, from what others were told of their asking too', async () => {
    await ask('door', 'ann', 'count to 2');
    const there = account('door');
    const from = 'wanda-4417';
    await ask('door', from, 'let me in');
    await there.until(() => there.texts('dm-ann').some((text) => text.includes(from)));
    const { items } = (await house.owner.get('/api/v1/pairings?status=pending')).body;
    const { id } = items.find(({ platform_id }: { platform_id: string }) => platform_id === from);
    const json = { status: 'active' };
    const { user_id } = (await house.owner.get(`/api/v1/pairings/${id}`, { method: 'PATCH', json })).body;
    await there.until(() => there.texts(`dm-${from}`).length > 1);
    await ask('door', from, 'count to 3');
    await until(async () => (await statusOf('door')).waiting === 0);
    expect((await house.owner.post(`/api/v1/users/${user_id}/erase`, { confirm: user_id })).status).toBe(200);
    await until(async () => (await house.owner.get(`/api/v1/users/${user_id}/erasure`)).body.status === 'done');
    const journal = new Database(join(house.dataDir, 'journal.db'), { readonly: true });
    const left = journal.prepare(`SELECT type, payload FROM records WHERE payload LIKE '%${from}%'`).all();
    journal.close();
    expect(left).toEqual([]);
  });

  it("is a guest's where anybody may write", async () => {
    expect(await ask('open', 'yan', 'count to 2')).toEqual(['1 2']);
  });
});

describe('an answer', () => {
  it('grows where the platform can change what was sent, and ends whole', async () => {
    const there = account('grown');
    there.say({ from: 'ann', text: 'count to 25' });
    await there.until(() => there.shown.some((one) => one.text.includes('25')));
    await until(async () => (await statusOf('grown')).waiting === 0);
    expect(there.shown).toHaveLength(1);
  });

  it('is sent again where it was refused for now, no sooner than the platform says', async () => {
    const there = account('one');
    there.fates.set('dm-cyd', [{ refuse: { code: 'rate_limited', message: 'slow down', retry_after_ms: 400 } }]);
    const began = performance.now();
    await ask('one', 'cyd', 'patience');
    expect(performance.now() - began).toBeGreaterThanOrEqual(400);
    expect(there.texts('dm-cyd')).toHaveLength(1);
  });

  it('that is refused for good is a dead letter somebody can see, and what comes after it is said', async () => {
    const there = account('one');
    there.fates.set('dm-dan', [{ refuse: { code: 'forbidden', message: 'the agent was thrown out' } }]);
    there.say({ from: 'dan', text: 'lost' });
    await until(async () => (await statusOf('one')).dead_letters === 1);
    const { items } = (await house.owner.get('/api/v1/channels/one/dead-letters')).body;
    expect(items).toMatchObject([{ kind: 'reply', user_id: 'dan', code: 'forbidden', outcome_unknown: false }]);
    await ask('one', 'dan', 'and now');
    expect(there.texts('dm-dan').join()).toContain('and now');
    // What is left of a session goes with it.
    expect((await house.owner.get(`/api/v1/sessions/${items[0].session_id}`, { method: 'DELETE' })).status).toBe(200);
    expect((await house.owner.get('/api/v1/channels/one/dead-letters')).body.items).toEqual([]);
  });

  it('that hangs in one conversation holds up no other', async () => {
    const there = account('two');
    there.fates.set('dm-bob', ['hang']);
    there.say({ from: 'bob', text: 'count to 2' });
    const [said] = await ask('two', 'cyd', 'count to 5');
    expect(said).toContain('5');
    expect(there.texts('dm-bob')).toEqual([]);
  });

  it('of which nobody knows whether it was sent is sent again where the platform tells, without being seen twice', async () => {
    for (const name of ['window', 'lookup'] as const) {
      const there = account(name);
      there.fates.set('dm-ann', ['take and break']);
      there.say({ from: 'ann', text: 'just once' });
      await there.until(() => there.shown.length === 1);
      await until(async () => (await statusOf(name)).waiting === 0 && (await statusOf(name)).state === 'online');
      expect(there.shown).toHaveLength(1);
      expect(there.shown[0]?.times).toBe(name === 'window' ? 2 : 1);
    }
  });

  it('is not sent again where the platform does not tell and the channel says so: a dead letter that says why', async () => {
    const there = account('once');
    there.fates.set('dm-ann', ['take and break']);
    there.say({ from: 'ann', text: 'just once' });
    await until(async () => (await statusOf('once')).dead_letters === 1);
    const { items } = (await house.owner.get('/api/v1/channels/once/dead-letters')).body;
    expect(items).toMatchObject([{ outcome_unknown: true }]);
    expect(there.shown).toHaveLength(1);
  });
});

describe('a channel', () => {
  it('with a wrong key fails, says what to do, and is tried again when somebody says so', async () => {
    await state('wrong', 'failed');
    const { last_error, advice } = await statusOf('wrong');
    expect(last_error?.code).toBe('channel_auth');
    expect(advice).toContain('sigil channel start wrong');
    const logins = account('wrong').logins;
    account('wrong').token = 'right';
    expect((await house.owner.post('/api/v1/channels/wrong/start')).status).toBe(200);
    await state('wrong', 'online');
    expect(account('wrong').logins).toBe(logins + 1);
  });

  it('that hangs, throws or is set wrongly touches no other', async () => {
    expect((await statusOf('hanging')).state).toBe('connecting');
    const throwing = await statusOf('throwing');
    expect(throwing.last_error?.message).toContain('the library of this platform is broken');
    await state('unusable', 'failed');
    expect((await statusOf('unusable')).last_error?.message).toContain('host');
    expect((await statusOf('one')).state).toBe('online');
  });

  it('comes back after a loss, and what was said meanwhile was not lost', async () => {
    const there = account('two');
    there.break();
    const [said] = await ask('two', 'eve', 'count to 6');
    expect(said).toContain('6');
  });

  it('that is stopped takes nothing and says nothing until it is started', async () => {
    const there = account('two');
    await house.owner.post('/api/v1/channels/two/stop');
    await state('two', 'stopped');
    there.say({ from: 'fay', text: 'are you there' });
    expect((await house.owner.post('/api/v1/channels/two/stop')).body).toMatchObject({ state: 'stopped' });
    expect(there.socket).toBeNull();
    await house.owner.post('/api/v1/channels/two/start');
    await there.until(() => there.texts('dm-fay').length === 1);
  });

  it('is stopped and started by nobody who may not', async () => {
    const reply = await house.person('nobody').post('/api/v1/channels/one/stop');
    expect(reply.status).toBe(401);
  });

  it('survives the end of its thread and of its lanes with everything that was said', async () => {
    const there = account('window');
    for (let at = 0; at < 6; at += 1)
      there.say({ from: ['ann', 'bob', 'cyd'][at % 3] ?? '', text: `over and over ${at}` });
    await house.killThread('io-1');
    await house.killThread('lane-1');
    const all = Array.from({ length: 6 }, (_, at) => `over and over ${at}`);
    await there.until(() => all.every((text) => there.texts().some((shown) => shown.includes(text))));
    for (const text of all) expect(there.texts().filter((shown) => shown.includes(text))).toHaveLength(1);
  });

  it('that is taken out of the configuration while it has something to say is told of', async () => {
    const there = account('lookup');
    there.fates.set('dm-bob', ['hang']);
    there.say({ from: 'bob', text: 'count to 2' });
    await until(async () => (await statusOf('lookup')).waiting === 1);
    const { dataDir } = house;
    await house.drain();
    house = await startHouse({}, dataDir);
    await until(async () => (await house.owner.get('/api/v1/channels')).body.items.length > 2);
    const left = await statusOf('lookup');
    expect(left.state).toBe('quarantined');
    expect(left.last_error?.message).toContain('not in the configuration any more and has something left to say');
    expect(left.advice).toContain('Put the entry channels.lookup back');
  });
});
