// SPDX-License-Identifier: Apache-2.0
// The command line's nouns for people, access, audit and usage, against a whole gateway.

import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scratch, sigil } from '../cli/process.ts';
import { closeHouses, type House, startHouse } from './house.ts';

let house: House;
const home = scratch();

beforeAll(async () => {
  const users = [{ id: 'zoe', name: 'Zoe', role: 'admin', identities: [{ channel: 'telegram', platform_id: '1' }] }];
  house = await startHouse({ users } as never);
});
afterAll(closeHouses);

const run = (...words: readonly string[]) => sigil([...words, '--data-dir', house.dataDir], home);
async function json(...words: readonly string[]) {
  const { stdout, stderr, status } = await run(...words, '--json');
  expect([stderr, status]).toEqual(['', 0]);
  return JSON.parse(stdout);
}

describe('sigil', () => {
  it('user add, change, link, unlink, list and remove', async () => {
    expect((await run('user', 'add', 'bo', '--name', 'Bo', '--role', 'guest')).stdout).toMatch(
      /bo +Bo +guest +– +here/,
    );
    expect((await run('user', 'link', 'bo', 'irc', 'bo / % @x')).stdout).toContain('irc:bo / % @x');
    expect(await json('user', 'change', 'bo', '--role', 'member')).toMatchObject({ id: 'bo', role: 'member' });
    const { stdout } = await run('user', 'list');
    expect(stdout.split('\n').slice(1, 3)).toEqual([
      expect.stringMatching(/^zoe +Zoe +admin +telegram:1 +configuration$/),
      expect.stringMatching(/^bo +Bo +member +irc:bo \/ % @x +here$/),
    ]);
    expect(await json('user', 'unlink', 'bo', 'irc', 'bo / % @x')).toMatchObject({ identities: [] });
    const refused = await run('user', 'remove', 'zoe');
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('configuration file');
    expect((await run('user', 'change', 'bo')).status).toBe(2);
    expect((await run('user', 'add', 'cy', '--role', 'king')).status).toBe(2);
    const twice = await run('user', 'add', 'bo');
    expect([twice.status, twice.stderr]).toEqual([1, expect.stringContaining('There is a user bo already.')]);
    expect((await run('user', 'remove', 'bo')).stdout).toBe('Removed the user bo.\n');
  });

  it('pairing list, approve and deny', async () => {
    const where = { channel: 'tg', channel_type: 'telegram', channel_id: 'c-1' };
    const { id } = (await house.owner.post('/api/v1/pairings', where)).body;
    expect((await run('pairing', 'list', '--status', 'pending')).stdout).toContain('c-1');
    expect((await run('pairing', 'approve', id, '--user', 'zoe')).stdout).toBe('Let in: c-1 on tg, as zoe.\n');
    expect(await json('pairing', 'list')).toMatchObject({ items: [{ id, user_id: 'zoe', status: 'active' }] });
    expect((await run('pairing', 'deny', id)).stdout).toBe('Kept out: c-1 on tg.\n');
    expect((await run('pairing', 'list', '--status', 'active')).stderr).toContain('There are no pairings.');
    expect((await run('pairing', 'remove', id)).stdout).toBe(`Removed the pairing ${id}.\n`);
  });

  it('pairing code says which channels there are', async () => {
    const wrong = await run('pairing', 'code', '--channel', 'tg');
    expect([wrong.status, wrong.stderr]).toEqual([1, expect.stringContaining('There is no channel tg;')]);
    expect((await run('pairing', 'code')).status).toBe(2);
  });

  it('workspace create, show, change, list and delete', async () => {
    const made = await run(
      'workspace',
      'create',
      'den',
      '--members',
      'zoe',
      '--bind',
      'tg:-100123',
      '--description',
      'Us',
    );
    expect(made.stdout).toMatch(/members +zoe\nconversations +tg:-100123\nfrom +here\n/);
    expect((await run('workspace', 'create', 'hut', '--bind', 'tg')).status).toBe(2);
    expect(await json('workspace', 'change', 'den', '--members', '')).toMatchObject({ members: [], description: 'Us' });
    expect((await run('workspace', 'list')).stdout).toMatch(/\nden +Us +here\n/);
    expect((await run('workspace', 'delete', 'den')).stdout).toContain('Nobody enters the workspace den any more');
    const gone = await run('workspace', 'show', 'den');
    expect([gone.status, gone.stderr]).toEqual([1, expect.stringContaining('There is no workspace')]);
  });

  it('token create, list and revoke: what is made goes alone to stdout, and works', async () => {
    const may = 'admin:debug, workspace:homelab';
    const made = await run('token', 'create', '--name', 'phone', '--permissions', may, '--expires', '30d');
    expect(made.stderr).toMatch(/the token of owner until 20\d\d-/);
    expect((await run('token', 'create', '--expires', '2020-01-01')).stderr).toContain('no time to come');
    const token = made.stdout.trim();
    expect(token).toMatch(/^sigil_[0-9a-f-]{36}_[A-Za-z0-9_-]{43}$/);
    const [, id = ''] = /revoke ([0-9a-f-]{36})`/.exec(made.stderr) ?? [];
    expect((await house.person(token).get('/debug/bus')).status).toBe(200);
    const { stdout } = await run('token', 'list');
    expect(stdout).toMatch(
      new RegExp(`${id} +owner +phone +admin:debug workspace:homelab .* 20\\d\\d-\\d\\d-\\d\\d \\d\\d:\\d\\d`),
    );
    expect(stdout).not.toContain(token.slice(-43));
    expect((await run('token', 'revoke', id)).stdout).toBe(`Revoked the token ${id}.\n`);
    expect((await house.person(token).get('/debug/bus')).status).toBe(401);
    expect((await run('token', 'revoke', 'owner-token')).stderr).toContain('configuration');
  });

  it('usage', async () => {
    await house.owner.chat('hello');
    expect((await run('usage')).stdout).toMatch(/MODEL +CALLS +IN .*\nsigil\/offline +1 /);
    expect(await json('usage', '--by', 'user', '--hourly', '--from', '1h')).toMatchObject({
      items: [{ key: 'owner' }],
    });
    expect((await run('usage', '--by', 'total', '--daily', '--workspace', 'personal:owner')).stdout).toMatch(
      /TOTAL +DAY +CALLS .*\nall +20\d\d-\d\d-\d\d +1 /,
    );
    await house.owner.chat('hello', { workspace_id: 'personal:owner' });
    const sessions = await run('usage', '--by', 'session');
    expect(sessions.stdout).toMatch(/\nTOTAL +2 /);
    expect(await json('usage', '--by', 'session', '--limit', '1')).toMatchObject({ totals: { calls: 2 } });
    expect((await run('usage', '--by', 'user', '--workspace', 'home')).stderr).toContain('is not kept');
    expect((await run('usage', '--to', '2020-01-01')).stderr).toContain('Nothing was used.');
    const wrong = await run('usage', '--from', 'yesterday');
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining('--from is no time')]);
  });

  it('audit query and verify, against a head that was kept, and after somebody wrote into the file', async () => {
    const { stdout } = await run('audit', 'query', '--action', 'token.created', '--from', '1h');
    expect(stdout).toMatch(/token\.created +owner +ok +id=.* permissions=\["admin:debug","workspace:homelab"\]/);
    expect((await json('audit', 'query', '--limit', '2')).items).toHaveLength(2);
    const kept = (await run('audit', 'verify', '--head')).stdout.trim();
    expect(kept).toMatch(/^\d+:[0-9a-f]{64}$/);
    await run('user', 'add', 'dan');
    const sound = await run('audit', 'verify', '--kept', kept);
    expect([sound.status, sound.stdout]).toEqual([0, expect.stringContaining('the same as then')]);
    expect((await run('audit', 'verify', '--kept', `1:${'0'.repeat(64)}`)).status).toBe(1);
    expect((await run('audit', 'verify', '--kept', 'x')).status).toBe(2);
    const db = new Database(join(house.dataDir, 'journal.db'));
    db.exec('DELETE FROM audit WHERE n = 3');
    db.close();
    const broken = await run('audit', 'verify');
    expect([broken.status, broken.stdout, broken.stderr]).toEqual([
      1,
      '',
      expect.stringContaining('Entry 3 is missing.'),
    ]);
    expect(JSON.parse((await run('audit', 'verify', '--json')).stdout)).toMatchObject({ broken: { n: 3 } });
  });
});
