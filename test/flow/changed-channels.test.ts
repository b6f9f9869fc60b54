// SPDX-License-Identifier: Apache-2.0
// Chat channels that come, go and change while a gateway runs: what each does, and that another under traffic notices nothing.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type Account, ScriptedPlatform } from '../channels/scripted/platform.ts';
import { openPlatform, request, SECRET, type WebhookPlatform } from '../channels/webhook/platform.ts';
import { until } from '../edge/client.ts';
import { closeHouses, type House, newDataDir, type Person, startHouse } from './house.ts';

const OWNER = 'owner-token-91c04be7d2';
const platform = new ScriptedPlatform();
const folder = mkdtempSync(join(tmpdir(), 'sigil-channels-'));
const file = join(folder, 'sigil.yaml');
let house: House;
let owner: Person;
let hook: WebhookPlatform;

type Entries = Readonly<Record<string, object>>;
const account = (name: string): Account => platform.account(name);
const entry = (name: string, more: object = {}) => ({
  ...{ type: 'irc', pairing: 'closed', scripted: platform.port, account: name, ...more },
});
const plain = {
  logging: { level: 'error' },
  auth: { tokens: [{ token: OWNER, user_id: 'owner', permissions: ['admin:*'] }] },
  users: ['ann', 'bob'].map((id) => ({
    ...{ id, role: 'owner', session_mode: 'per_channel' },
    identities: ['irc', 'webhook'].map((channel) => ({ channel, platform_id: id })),
  })),
};
const write = (channels: Entries): void => writeFileSync(file, stringify({ ...plain, channels }));

async function apply(channels: Entries): Promise<void> {
  write(channels);
  const reply = await owner.post('/api/v1/config/reload');
  expect([reply.status, reply.body.restart_pending]).toEqual([200, []]);
}

interface Status {
  readonly state: string;
  readonly received: number;
  readonly waiting: number;
  readonly last_error: { readonly code: string; readonly message: string } | null;
  readonly advice: string | null;
}
const statusOf = async (name: string): Promise<Status> => (await owner.get(`/api/v1/channels/${name}`)).body;
const state = (name: string, wanted: string): Promise<void> =>
  until(async () => (await statusOf(name)).state === wanted);
const gone = (name: string): Promise<void> =>
  until(async () => (await owner.get(`/api/v1/channels/${name}`)).status === 404);

/** A person says something and waits for the answer. */
async function ask(name: string, from: string, text: string): Promise<string | undefined> {
  const there = account(name);
  const before = there.texts(`dm-${from}`).length;
  there.say({ from, text });
  await there.until(() => there.texts(`dm-${from}`).length > before);
  return there.texts(`dm-${from}`)[before];
}

/** Says something without pause until it is told to end; then what was said and what was answered. */
function traffic(name: string, from: string): () => Promise<readonly [number, readonly string[]]> {
  let more = true;
  let said = 0;
  const before = account(name).texts(`dm-${from}`).length;
  const run = async (): Promise<void> => {
    while (more) {
      said += 1;
      await ask(name, from, `count to ${said}`);
    }
  };
  const running = run();
  return async () => {
    more = false;
    await running;
    return [said, account(name).texts(`dm-${from}`).slice(before)];
  };
}

beforeAll(async () => {
  process.env['SIGIL_TEST_CHANNELS'] = fileURLToPath(new URL('../channels/scripted/adapters.ts', import.meta.url));
  [hook] = await Promise.all([openPlatform(), platform.listen()]);
  write({});
  house = await startHouse({}, newDataDir(), file);
  owner = house.person(OWNER);
});
afterAll(async () => {
  delete process.env['SIGIL_TEST_CHANNELS'];
  await closeHouses();
  await Promise.all([platform.close(), hook.close()]);
  rmSync(folder, { recursive: true, force: true });
});

it('one that is added to a gateway without any is connected to, and its messages are answered', async () => {
  const thread = async () => {
    const { items } = (await owner.get('/debug/threads')).body;
    return items.find(({ name }: { readonly name: string }) => name === 'io-1');
  };
  // Nothing needed it: it has not been started.
  expect(await thread()).toMatchObject({ state: 'resting', actors: 0 });
  await apply({ one: entry('one') });
  await state('one', 'online');
  expect(await ask('one', 'ann', 'count to 3')).toBe('1 2 3');
  expect(await thread()).toMatchObject({ state: 'up', life: 1 });
});

it('others come, change and go while one is under traffic, which loses nothing and answers nothing twice', async () => {
  const one = entry('one');
  const end = traffic('one', 'ann');
  await apply({ one, two: entry('two') });
  await state('two', 'online');
  expect(await ask('two', 'bob', 'count to 4')).toBe('1 2 3 4');
  account('two').token = 'a-token-that-is-new';
  await apply({ one, two: entry('two', { token: 'a-token-that-is-new' }) });
  await until(() => account('two').logins === 2);
  await state('two', 'online');
  expect(await ask('two', 'bob', 'count to 5')).toBe('1 2 3 4 5');
  await apply({ one });
  await gone('two');
  const [said, answers] = await end();
  expect(said).toBeGreaterThan(3);
  const numbers = Array.from({ length: said }, (_, at) => at + 1);
  expect(answers).toEqual(numbers.map((to) => numbers.slice(0, to).join(' ')));
  expect([account('one').logins, account('two').socket]).toEqual([1, null]);
});

it('who is let in and what is answered is so with the next message, on the same connection', async () => {
  const key = account('one').say({ from: 'yan', text: 'count to 2' });
  await account('one').until(() => account('one').acked.includes(key));
  expect(account('one').texts('dm-yan')).toEqual([]);
  await apply({ one: entry('one', { pairing: 'allowlist', allowlist: ['ya*'], respond: 'always' }) });
  expect(await ask('one', 'yan', 'count to 2')).toBe('1 2');
  account('one').say({ from: 'ann', in: 'room', text: 'count to 3' });
  await account('one').until(() => account('one').texts('room').length === 1);
  await apply({ one: entry('one', { denied_reply: 'Not you.' }) });
  expect(await ask('one', 'yan', 'count to 2')).toBe('Not you.');
  expect(account('one').logins).toBe(1);
});

it('a connection that is made anew waits for what is on its way, so that nothing is lost or said twice', async () => {
  const there = account('one');
  there.fates.set('dm-bob', ['hold']);
  const before = there.texts('dm-bob').length;
  there.say({ from: 'bob', text: 'count to 20' });
  await there.until(() => there.held.length === 1);
  await apply({ one: entry('one', { longest: 30 }) });
  await state('one', 'connecting');
  expect(there.logins).toBe(1);
  // What comes meanwhile is taken, and answered by the connection that comes.
  there.say({ from: 'ann', text: 'count to 15' });
  await until(async () => there.unacked === 0);
  there.release();
  await there.until(() => there.logins === 2 && there.texts('dm-ann').at(-1) === '14 15');
  expect(there.texts('dm-bob').slice(before)).toHaveLength(1);
  expect(there.shown.filter(({ times }) => times > 1)).toEqual([]);
});

it('one that cannot be made is left out alone and seen, and starts once it is mended', async () => {
  const one = entry('one', { longest: 30 });
  await apply({ one, bad: { type: 'irc', nick: 'two words' }, odd: { type: 'irk' } });
  await state('bad', 'failed');
  expect(await statusOf('bad')).toMatchObject({ last_error: { code: 'validation_failed' } });
  expect(await statusOf('odd')).toMatchObject({ state: 'quarantined', advice: expect.stringContaining('irc') });
  const { quarantined } = (await owner.get('/api/v1/status')).body;
  expect(quarantined.map(({ what }: { what: string }) => what)).toEqual(
    expect.arrayContaining(['channels.bad', 'channels.odd']),
  );
  expect(await ask('one', 'ann', 'count to 2')).toBe('1 2');
  await apply({ one, bad: entry('bad'), odd: entry('odd') });
  await state('bad', 'online');
  await state('odd', 'online');
  expect(await ask('odd', 'ann', 'count to 2')).toBe('1 2');
  expect((await owner.get('/api/v1/status')).body.quarantined).toEqual([]);
});

it('one that is taken out says what the turns come to that it began', async () => {
  const one = entry('one', { longest: 30 });
  await apply({ one, three: entry('three', { typing: true }) });
  await state('three', 'online');
  const there = account('three');
  there.say({ from: 'bob', text: 'count to 40' });
  await until(() => there.typed.includes('dm-bob'));
  await apply({ one });
  await gone('three');
  await there.until(() => there.texts('dm-bob').some((text) => text.endsWith('40')));
  await until(() => there.socket === null);
  expect(there.texts('dm-bob')).toHaveLength(1);
});

it.each(['four', 'four again', 'four once more', 'four at last'])(
  'one that is taken out with something left to say is told of, and says it when it is put back: %s',
  async (said) => {
    const name = said.replaceAll(' ', '-');
    const one = entry('one', { longest: 30 });
    const there = account(name);
    await apply({ one, [name]: entry(name) });
    await state(name, 'online');
    const busy = { refuse: { code: 'rate_limited', message: 'slow down', retry_after_ms: 3_600_000 } };
    there.fates.set('dm-bob', [busy]);
    there.say({ from: 'bob', text: 'count to 6' });
    await until(async () => there.unacked === 0 && (await statusOf(name)).waiting === 1);
    await apply({ one });
    await until(async () => (await statusOf(name)).state === 'quarantined');
    expect(await statusOf(name)).toMatchObject({
      advice: expect.stringContaining(`Put the entry channels.${name} back`),
    });
    await apply({ one, [name]: entry(name) });
    await there.until(() => there.texts('dm-bob').includes('1 2 3 4 5 6'));
    await state(name, 'online');
    expect((await owner.get('/api/v1/status')).body.quarantined).toEqual([]);
  },
);

it('one whose thread is lost while it ends is told of, if it had something left to say', async () => {
  const one = entry('one', { longest: 30 });
  const there = account('six');
  await apply({ one, six: entry('six', { typing: true }) });
  await state('six', 'online');
  const busy = { refuse: { code: 'rate_limited', message: 'slow down', retry_after_ms: 3_600_000 } };
  there.fates.set('dm-bob', [busy]);
  there.say({ from: 'bob', text: 'count to 6' });
  await until(async () => there.unacked === 0 && (await statusOf('six')).waiting === 1);
  // It stays for what this turn comes to.
  there.say({ from: 'ann', text: 'count to 60' });
  await until(() => there.typed.includes('dm-ann'));
  await apply({ one });
  await house.killThread('io-1');
  await until(async () => (await statusOf('six')).state === 'quarantined');
  expect(await statusOf('six')).toMatchObject({ advice: expect.stringContaining('Put the entry channels.six back') });
  await state('one', 'online');
  await apply({ one, six: entry('six') });
  await there.until(() => there.texts('dm-bob').includes('1 2 3 4 5 6'));
  await there.until(() => there.texts('dm-ann').some((text) => text.endsWith('60')));
  expect((await owner.get('/api/v1/status')).body.quarantined).toEqual([]);
});

it('one that is taken out and put back at once waits for no turn, and says what it comes to', async () => {
  const one = entry('one', { longest: 30 });
  const five = entry('five', { typing: true });
  const there = account('five');
  await apply({ one, five });
  await state('five', 'online');
  there.say({ from: 'bob', text: 'count to 30' });
  await until(() => there.typed.includes('dm-bob'));
  await apply({ one });
  await apply({ one, five });
  await there.until(() => there.logins === 2);
  expect(there.texts('dm-bob')).toEqual([]);
  await there.until(() => there.texts('dm-bob').some((text) => text.endsWith('30')));
  expect(there.texts('dm-bob')).toHaveLength(1);
});

it('a platform may call one from when it is added until it is taken out', async () => {
  const one = entry('one', { longest: 30 });
  const post = (id: string) => {
    const said = { type: 'message', conversation: 'c', sender: { id: 'ann', name: 'Ann' }, text: 'count to 7' };
    const { headers, body } = request(id, said);
    return fetch(`http://127.0.0.1:${house.port}/webhooks/hook`, { method: 'POST', headers, body: Buffer.from(body) });
  };
  expect((await post('m-0')).status).toBe(404);
  await apply({ one, hook: { type: 'webhook', pairing: 'closed', url: hook.url, secret: SECRET } });
  await state('hook', 'online');
  expect((await post('m-1')).status).toBe(200);
  await until(async () => (await hook.seen(0)).some(({ text }) => text.includes('7')));
  await apply({ one });
  await gone('hook');
  expect((await post('m-2')).status).toBe(404);
});

it('a thread that begins anew has the channels that are configured now', async () => {
  await house.killThread('io-1');
  await until(async () => (await statusOf('one')).state === 'online');
  expect(await ask('one', 'ann', 'count to 3')).toBe('1 2 3');
  expect((await owner.get('/api/v1/channels')).body.items.map(({ name }: { name: string }) => name)).toEqual([
    'http',
    'cli',
    'one',
  ]);
});
