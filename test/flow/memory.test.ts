// SPDX-License-Identifier: Apache-2.0
// Memory from outside: what was said is found by who may see it, shown with its words, and recalled by the agent.

import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../edge/client.ts';
import { closeHouses, type House, newDataDir, type Person, startHouse } from './house.ts';

const TOKENS = [
  { token: 'token-of-ada-0123456789', user_id: 'ada', name: 'ada', permissions: ['admin:*'] },
  { token: 'token-of-ben-0123456789', user_id: 'ben', name: 'ben', permissions: [] },
  { token: 'token-of-cleo-0123456789', user_id: 'cleo', name: 'cleo', permissions: ['workspace:homelab'] },
];
const SETTINGS = { auth: { tokens: TOKENS }, workspaces: { homelab: { members: ['ada', 'ben', 'cleo'] } } };

const dataDir = newDataDir();
let house: House;
let [ada, ben, cleo]: Person[] = [];

async function begin(): Promise<void> {
  house = await startHouse(SETTINGS as never, dataDir);
  [ada, ben, cleo] = TOKENS.map(({ token }) => house.person(token));
}
const person = (of: Person | undefined): Person => {
  if (of === undefined) throw new Error('nobody');
  return of;
};
const found = async (of: Person | undefined, query: string) =>
  (await person(of).get(`/api/v1/memory/search?${query}`)).body.items.map(
    ({ role, snippet }: { role: string; snippet: { text: string } }) => `${role}: ${snippet.text}`,
  );

beforeAll(async () => {
  await begin();
  await person(ada).chat('the wombat lives in the cellar', { workspace_id: 'homelab' });
  await person(ben).chat('my wombats are two', { workspace_id: 'homelab' });
  await person(ben).chat('a private wombat');
});
afterAll(closeHouses);

describe('searching', () => {
  it('finds what the caller said, and for who may see all sessions what everybody said', async () => {
    const said = (all: readonly string[]) => all.filter((text) => text.startsWith('user:'));
    expect(said(await found(ben, 'workspace=homelab&q=wombat'))).toEqual(['user: my wombats are two']);
    expect(said(await found(ben, 'q=wombat'))).toEqual(['user: a private wombat']);
    expect(said(await found(ada, 'workspace=homelab&q=wombat'))).toEqual([
      'user: the wombat lives in the cellar',
      'user: my wombats are two',
    ]);
    expect(await found(cleo, 'workspace=homelab&q=wombat')).toEqual([]);
    expect(said(await found(ada, 'workspace=personal:ben&q=wombat'))).toEqual(['user: a private wombat']);
  });

  it('marks the words, and pages without repeating', async () => {
    const whole = (await person(ada).get('/api/v1/memory/search?workspace=homelab&q=wombat')).body;
    for (const { snippet } of whole.items) {
      for (const [from, to] of snippet.marks) expect(snippet.text.slice(from, to).toLowerCase()).toMatch(/^wombats?$/);
    }
    const ids: string[] = [];
    let cursor = '';
    do {
      const page = (await person(ada).get(`/api/v1/memory/search?workspace=homelab&q=wombat&limit=1${cursor}`)).body;
      ids.push(...page.items.map(({ id }: { id: string }) => id));
      cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
    } while (cursor !== '');
    expect(ids).toEqual(whole.items.map(({ id }: { id: string }) => id));
  });

  it('is narrowed to a session, which must be the caller’s', async () => {
    const { session_id } = (await person(ben).chat('one more wombat', { workspace_id: 'homelab' })).body;
    expect(await found(ben, `session=${session_id}&q=wombat&role=user`)).toEqual(['user: one more wombat']);
    expect((await person(cleo).get(`/api/v1/memory/search?session=${session_id}&q=wombat`)).status).toBe(403);
    expect((await person(ben).get(`/api/v1/memory/search?session=${session_id}&workspace=other&q=x`)).status).toBe(404);
    expect((await person(ben).get('/api/v1/memory/search?session=unknown&q=wombat')).status).toBe(404);
  });

  it.each([
    ['q=', 422, 'validation_failed'],
    ['', 422, 'validation_failed'],
    ['q=x&limit=0', 422, 'validation_failed'],
    ['q=x&cursor=nonsense', 422, 'validation_failed'],
    ['q=x&from=yesterday', 422, 'validation_failed'],
    ['q=x&workspace=../etc', 422, 'validation_failed'],
    ['q=x&workspace=personal:ada', 403, 'not_a_member'],
  ])('refuses %s', async (query, status, code) => {
    const reply = await person(ben).get(`/api/v1/memory/search?${query}`);
    expect([reply.status, reply.body.code]).toEqual([status, code]);
  });

  it.each(['%22', '%22%20OR%20*', '%F0%9F%A6%8A', '%00', 'NEAR(', 'x'.repeat(8_000)])('takes %.20s', async (q) => {
    expect((await person(ben).get(`/api/v1/memory/search?q=${q}`)).status).toBe(200);
  });
});

describe('the agent', () => {
  it('finds what was said in other words of the same stem, in another session', async () => {
    const homelab = { workspace_id: 'homelab' };
    await person(ben).chat('remember that my boat is called Otter', homelab);
    expect((await person(ben).chat('what do you know about boats?', homelab)).body.content).toContain('Otter');
    expect((await person(cleo).chat('what do you know about boats?', homelab)).body.content).not.toContain('Otter');
  });

  it('recalls over HTTP what it would be given', async () => {
    const { body } = await person(ben).get('/api/v1/memory/recall?workspace=homelab&q=boat');
    expect(body.messages[0].snippet.text).toContain('boat');
    expect(body.facts).toMatchObject([{ entity_name: 'my boat', value: 'called Otter' }]);
    expect(body.summaries).toEqual([]);
  });
});

describe('what is in memory', () => {
  it('leaves it, the oldest first, when a session has more than it keeps', async () => {
    const sessions = { memory: { recent_store: { max_messages: 4 }, summaries: { enabled: false } } };
    const small = await startHouse({ auth: { tokens: TOKENS }, sessions } as never);
    const eve = small.person(TOKENS[0]?.token ?? '');
    const { session_id } = (await eve.chat('nr 1 narwhal')).body;
    for (let at = 2; at <= 6; at += 1)
      await eve.post(`/api/v1/sessions/${session_id}/messages`, { content: `nr ${at} narwhal` });
    const numbers = async (): Promise<readonly string[]> =>
      (await eve.get('/api/v1/memory/search?q=narwhal&role=user')).body.items.map(
        (item: { snippet: { text: string } }) => item.snippet.text,
      );
    // Who trims is told by the views, and writes it in its own time.
    await until(async () => (await numbers()).length <= 2);
    expect((await numbers()).toSorted()).toEqual(['nr 5 narwhal', 'nr 6 narwhal']);
    const whole = await eve.get(`/api/v1/sessions/${session_id}/messages?limit=200`);
    expect(whole.body.items).toHaveLength(12);
  });

  it('is the same after its file was deleted', async () => {
    const before = await found(ada, 'workspace=homelab&q=wombat');
    await house.drain();
    const file = join(dataDir, 'workspaces', 'homelab', 'memory.db');
    expect(existsSync(file)).toBe(true);
    for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true });
    await begin();
    let reply = await person(ada).get('/api/v1/memory/search?workspace=homelab&q=wombat');
    // The file is made again when the views come to it; who asks before is told to come again.
    for (let tries = 0; reply.status === 503 && tries < 100; tries += 1) {
      expect(reply.body.code).toBe('view_behind');
      await person(ada).chat('hello', { workspace_id: 'homelab' });
      reply = await person(ada).get('/api/v1/memory/search?workspace=homelab&q=wombat');
    }
    expect(await found(ada, 'workspace=homelab&q=wombat')).toEqual(before);
  });
});
