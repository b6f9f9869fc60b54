// SPDX-License-Identifier: Apache-2.0
// Tokens of the configuration that come, go and change while people have sessions and streams open: everybody stays who they are.

import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type Reply, until } from '../edge/client.ts';
import { closeHouses, type House, Listener, newDataDir, type Person, startHouse } from './house.ts';

const tokenOf = (name: string): string => `${name}-token-7d0f3a92c4`;
const entry = (name: string, permissions: readonly string[] = []) => ({
  ...{ token: tokenOf(name), user_id: name, name: `of ${name}`, permissions },
});
const OWNER = entry('owner', ['admin:*']);
const USERS = { users: ['ann', 'ben', 'cem', 'dan'].map((id) => ({ id })) };
const folder = mkdtempSync(join(tmpdir(), 'sigil-tokens-'));
const file = join(folder, 'sigil.yaml');
let house: House;
let owner: Person;

function write(tokens: readonly object[], more: object = {}): void {
  writeFileSync(`${file}.new`, stringify({ auth: { tokens }, ...USERS, ...more }));
  renameSync(`${file}.new`, file);
}

async function apply(tokens: readonly object[], more: object = {}): Promise<void> {
  write(tokens, more);
  expect(await owner.post('/api/v1/config/reload')).toMatchObject({ status: 200, body: { quarantined: [] } });
}

/** Somebody with a token, a browser that is signed in with it, a session, and a stream of it open with each. */
async function arrive(name: string) {
  const token = tokenOf(name);
  const person = house.person(token);
  const session_id = String((await person.chat('hello')).body.session_id);
  const signedIn = await house.client.call('POST', '/auth/session', { token: null, json: { token } });
  const Cookie = /^sigil_session=[^;]+/.exec(signedIn.headers['set-cookie']?.[0] ?? '')?.[0] ?? '';
  const headers = { Cookie };
  const browse = (path: string): Promise<Reply> => house.client.call('GET', path, { token: null, headers });
  const path = `/api/v1/sessions/${session_id}/stream`;
  const own = await person.listen(path);
  const browsers = new Listener(await house.client.open('GET', path, { token: null, headers }));
  expect([signedIn.status, own.status, browsers.status]).toEqual([204, 200, 200]);
  const link = await person.post('/api/v1/auth/links');
  const code = new URL(link.body.url).hash.replace('#code=', '');
  const redeem = async (): Promise<unknown> => {
    const reply = await house.client.call('POST', '/auth/session', { token: null, json: { code } });
    const made = /^sigil_session=[^;]+/.exec(reply.headers['set-cookie']?.[0] ?? '')?.[0] ?? '';
    if (reply.status !== 204) return reply.status;
    return (await house.client.call('GET', '/auth/session', { token: null, headers: { Cookie: made } })).body.user_id;
  };
  return { name, person, session_id, browse, streams: [own, browsers], redeem };
}
type Arrived = Awaited<ReturnType<typeof arrive>>;

/** They are who they were, by both ways, and what they have open goes on. */
async function isThemself({ name, person, session_id, browse, streams }: Arrived): Promise<void> {
  expect((await browse('/auth/session')).body).toMatchObject({ user_id: name, name: `of ${name}` });
  expect(streams.map(({ closed }) => closed)).toEqual([false, false]);
  const before = streams.map(({ events }) => events.length);
  const said = await person.chat('count to 2', { session_id });
  expect(said.body).toMatchObject({ session_id, content: '1 2' });
  await until(() => streams.every(({ events }, at) => events.length > (before[at] ?? 0)));
}

/** Nothing of theirs opens anything, and what was open has ended, which it was told. */
async function isOut({ person, browse, streams, redeem }: Arrived): Promise<void> {
  for (const stream of streams)
    expect((await stream.all()).at(-1)).toMatchObject({ event: 'error', data: { code: 'unauthenticated' } });
  expect([(await person.get('/api/v1/status')).status, (await browse('/auth/session')).status]).toEqual([401, 401]);
  expect(await redeem()).toBe(401);
}

/** As which token a change of theirs is noted, and as which it is listed. */
async function notedAs({ name, person }: Arrived): Promise<readonly [unknown, unknown]> {
  expect((await person.post('/api/v1/users', { id: 'eve', name: `by ${name}` })).status).toBeLessThan(300);
  const audited = await owner.get(`/api/v1/audit?limit=1&user_id=${name}`);
  const listed = (await owner.get('/api/v1/tokens')).body.items as { readonly id: string; readonly user_id: string }[];
  return [audited.body.items[0]?.details.via, listed.find(({ user_id }) => user_id === name)?.id];
}

beforeAll(async () => {
  write([OWNER]);
  house = await startHouse({}, newDataDir(), file);
  owner = house.person(tokenOf('owner'));
});
afterAll(async () => {
  await closeHouses();
  rmSync(folder, { recursive: true, force: true });
});

it('one that is taken out of the middle puts its own out at once, and nobody else becomes another', async () => {
  const [ann, ben, cem] = [entry('ann'), entry('ben', ['admin:debug']), entry('cem', ['admin:users'])];
  await apply([OWNER, ann, ben, cem]);
  const people = await Promise.all(['ann', 'ben', 'cem'].map(arrive));
  const [first, second, third] = people as [Arrived, Arrived, Arrived];
  expect((await second.browse('/debug/bus')).status).toBe(200);
  await apply([OWNER, ann, cem]);
  await isOut(second);
  await isThemself(first);
  await isThemself(third);
  // In his place is somebody who may less.
  expect((await third.browse('/debug/bus')).status).toBe(403);
  // It stands where his stood, and what it does is noted as done with it.
  expect(await notedAs(third)).toEqual(['config-2', 'config-2']);
  // Everybody moves; a code that was given out before is still its owner's.
  await apply([entry('dan'), cem, OWNER, ann]);
  await isThemself(first);
  await isThemself(third);
  expect(await Promise.all([first.redeem(), third.redeem()])).toEqual(['ann', 'cem']);
  // His token is back: he may come again, with what he had open gone.
  await apply([OWNER, ben]);
  expect((await second.person.get('/api/v1/status')).status).toBe(200);
  expect((await second.browse('/auth/session')).status).toBe(401);
  for (const one of [first, third]) await isOut({ ...one, redeem: () => Promise.resolve(401) });
});

it('one whose permissions change has its streams ended, and opens what it may from then on, no more', async () => {
  await apply([OWNER, entry('ann', ['admin:debug']), entry('cem')]);
  const [ann, cem] = [await arrive('ann'), await arrive('cem')];
  expect((await ann.browse('/debug/bus')).status).toBe(200);
  await apply([OWNER, entry('ann'), entry('cem', ['admin:debug'])]);
  for (const { streams } of [ann, cem])
    for (const stream of streams)
      expect((await stream.all()).at(-1)).toMatchObject({
        data: { code: 'unauthenticated', message: expect.stringContaining('was changed') },
      });
  const may = async ({ person, browse }: Arrived) => [
    (await person.get('/debug/bus')).status,
    (await browse('/debug/bus')).status,
    (await browse('/auth/session')).status,
  ];
  expect([await may(ann), await may(cem)]).toEqual([
    [403, 403, 200],
    [200, 200, 200],
  ]);
  // Another secret in the same entry is another token.
  await apply([OWNER, { ...entry('ann'), token: 'anns-next-token-51b2c3d4' }, entry('cem', ['admin:debug'])]);
  expect(await may(ann)).toEqual([401, 401, 401]);
});
