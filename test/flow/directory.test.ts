// SPDX-License-Identifier: Apache-2.0
// Users and tokens in a whole gateway: over restarts, with threads that die, and everything noted in one chain.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, describe, expect, it } from 'vitest';
import { closeHouses, type House, startHouse } from './house.ts';

afterAll(closeHouses);

const call = (house: House, method: string, path: string, json?: unknown) =>
  house.owner.get(path, { method, ...(json === undefined ? {} : { json }) });

async function actions(house: House): Promise<string[]> {
  const { body } = await house.owner.get('/api/v1/audit?limit=200');
  return body.items.map(({ action }: { action: string }) => action).reverse();
}

describe('the directory', () => {
  it('outlives the process, and its tokens speak for their users', async () => {
    const first = await startHouse();
    expect((await call(first, 'POST', '/api/v1/users', { id: 'bo', name: 'Bo' })).status).toBe(200);
    const made = (await call(first, 'POST', '/api/v1/tokens', { user_id: 'bo', name: 'phone' })).body;
    const lost = (await call(first, 'POST', '/api/v1/tokens', { user_id: 'bo' })).body;
    const said = await first.person(made.token).chat('what is 17*23?');
    expect(said.body.content).toContain('391');
    const session = (await first.person(made.token).get(`/api/v1/sessions/${said.body.session_id}`)).body;
    expect(session).toMatchObject({ user_id: 'bo', workspace_id: 'personal:bo' });
    // Somebody else stops a turn, and puts the session away.
    await call(first, 'POST', `/api/v1/sessions/${said.body.session_id}/archive`);
    await call(first, 'DELETE', `/api/v1/tokens/${lost.id}`);
    await first.drain();
    const journal = readFileSync(join(first.dataDir, 'journal.db')).toString('latin1');
    expect(journal).not.toContain(made.token.slice(-43));

    const second = await startHouse({}, first.dataDir);
    expect((await second.person(lost.token).get('/api/v1/status')).status).toBe(401);
    expect((await second.person(made.token).chat('hello')).status).toBe(200);
    const [token] = (await second.owner.get('/api/v1/tokens?user_id=bo')).body.items;
    expect(token).toMatchObject({ id: made.id, configured: false });
    expect(Date.parse(token.last_used_at)).toBeGreaterThan(Date.parse(token.created_at) - 1);
    const usage = (await second.owner.get('/api/v1/usage?by=user')).body.items;
    expect(usage).toMatchObject([{ key: 'bo', calls: 3 }]);
    const own = (await second.person(made.token).get('/api/v1/usage?by=model')).body.items;
    expect(own).toMatchObject([{ key: 'sigil/offline', calls: 3 }]);
    expect(await actions(second)).toEqual([
      ...['config.applied', 'user.created', 'token.created', 'token.created'],
      ...['turn.finished', 'session.archived', 'token.revoked'],
      ...['config.applied', 'auth.refused'],
    ]);
    expect((await second.owner.get('/api/v1/audit/verify')).body).toMatchObject({ checked: 9, broken: null });
    await second.drain();

    const db = new Database(join(second.dataDir, 'journal.db'));
    db.exec(`UPDATE audit SET actor = 'eve' WHERE n = 3`);
    db.close();
    const third = await startHouse({}, second.dataDir);
    const { broken, checked } = (await third.owner.get('/api/v1/audit/verify')).body;
    expect([checked, broken]).toMatchObject([2, { n: 3, problem: 'changed' }]);
  });

  it('goes on when the threads it is written and read by end', async () => {
    const house = await startHouse();
    const codes: number[] = [];
    const one = async (id: number): Promise<void> => {
      codes.push((await call(house, 'POST', '/api/v1/users', { id: `u${id}` })).status);
    };
    const all: Promise<void>[] = [];
    for (let id = 0; id < 30; id += 1) {
      all.push(one(id));
      if (id === 10) await house.killThread('journal');
      if (id === 20) await Promise.all([house.killThread('views'), house.killThread('read')]);
    }
    await Promise.all(all);
    expect(codes).toEqual(Array.from({ length: 30 }, () => 200));
    const listed = await house.owner.get('/api/v1/users?limit=200');
    expect(listed.body.items).toHaveLength(30);
    expect((await house.owner.get('/api/v1/audit/verify')).body).toMatchObject({ checked: 31, broken: null });
  });
});
