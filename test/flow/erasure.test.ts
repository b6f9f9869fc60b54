// SPDX-License-Identifier: Apache-2.0
// Everything about somebody, exported and erased through a real gateway: no store, no file, no byte keeps it; others' words stay.

import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attachmentFiles } from '../../src/stores/sqlite/attachment-files.ts';
import { rebuildViews } from '../../src/stores/sqlite/rebuild.ts';
import { scratch, sigil, start } from '../cli/process.ts';
import { until } from '../edge/client.ts';
import { closeHouses, type House, startHouse } from './house.ts';

afterAll(closeHouses);

/** Words only Bo says. */
const SECRETS = ['xylophagous', 'quokkaland', 'zeugmatic', 'brontophobia', 'Boris Vantongeren', 'bo-on-telegram-771'];
/** A word only Ada says, in the workspace both are in. */
const ADAS = 'marmalade';

const settings = {
  // Nearly everything is summed up at once: what is made of their words is theirs too.
  sessions: { memory: { active_window: 1, compaction: { batch_size: 2 } } },
  workspaces: { homelab: { members: ['bo', 'ada'] } },
  auth: {
    tokens: [
      { token: 'boss-token', user_id: 'boss', permissions: ['admin:*'] },
      { token: 'ada-token', user_id: 'ada' },
      { token: 'cy-token', user_id: 'cy', permissions: ['admin:*'] },
    ],
  },
};

const boss = (house: House, method: string, path: string, json?: unknown) =>
  house.owner.get(path, { method, ...(json === undefined ? {} : { json }) });

/** A data directory in which Bo and Ada have said things, Bo's token, and a session of Ada's in the workspace both are in. */
let lived: { readonly dataDir: string; readonly token: string; readonly adas: string };
/** A gateway over a copy of it: what is not erased yet comes first. */
let house: House;
beforeAll(async () => {
  house = await startHouse(settings, join(scratch(), 'data'));
  const identities = [{ channel: 'telegram', platform_id: 'bo-on-telegram-771', display_name: 'Boris Vantongeren' }];
  await boss(house, 'POST', '/api/v1/users', { id: 'bo', name: 'Boris Vantongeren', identities });
  const { token } = (await boss(house, 'POST', '/api/v1/tokens', { user_id: 'bo', name: 'zeugmatic phone' })).body;
  await boss(house, 'POST', '/api/v1/pairings', {
    ...{ user_id: 'bo', channel: 'tg', channel_type: 'telegram', channel_id: 'bo-on-telegram-771', status: 'active' },
  });
  const bo = house.person(token);
  const ada = house.person('ada-token');
  await bo.chat('remember that my beetle is xylophagous');
  await bo.chat('my flat is in quokkaland', { workspace_id: 'homelab' });
  await bo.chat('remember that my fear is brontophobia', { workspace_id: 'homelab' });
  const { body } = await ada.chat(`remember that my breakfast is ${ADAS}`, { workspace_id: 'homelab' });
  await house.drain();
  lived = { dataDir: house.dataDir, token, adas: body.session_id };
  house = await startHouse(settings, join(copied(), 'data'));
});

/** A home with a copy of it, to be changed. */
function copied(): string {
  const home = scratch();
  cpSync(lived.dataDir, join(home, 'data'), { recursive: true });
  return home;
}

async function erased(house: House): Promise<void> {
  const begun = await boss(house, 'POST', '/api/v1/users/bo/erase', { confirm: 'bo' });
  expect([begun.status, begun.body.status]).toEqual([200, 'running']);
  await done(house);
}

async function done(house: House): Promise<void> {
  await until(async () => (await boss(house, 'GET', '/api/v1/users/bo/erasure')).body.status === 'done');
}

/** Files that hold any of the words, with the word. @param named only those whose name begins so */
function holding(dataDir: string, words: readonly string[], named = ''): string[] {
  return readdirSync(dataDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.startsWith(named))
    .flatMap((entry) => {
      const file = join(entry.parentPath, entry.name);
      const bytes = readFileSync(file).toString('latin1').toLowerCase();
      return words.filter((word) => bytes.includes(word.toLowerCase())).map((word) => `${file}: ${word}`);
    });
}

/** What can be read of a directory's views, by file and table, but for numbers that only order rows. */
function views(dataDir: string): Record<string, unknown[]> {
  const found: Record<string, unknown[]> = {};
  const files = [
    'gateway.db',
    ...readdirSync(join(dataDir, 'workspaces')).flatMap((id) => {
      return ['sessions.db', 'memory.db', 'knowledge.db'].map((name) => `workspaces/${id}/${name}`);
    }),
  ];
  for (const file of files) {
    const db = new Database(join(dataDir, file), { readonly: true });
    const tables = db
      .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%' AND name NOT LIKE 'sqlite_%'
                AND name NOT GLOB '*_text_*' AND name NOT IN ('removals') ORDER BY name`)
      .pluck()
      .all() as string[];
    for (const table of tables) {
      const rows = db.prepare(`SELECT * FROM ${table}`).all() as Record<string, unknown>[];
      // Vectors are filled by a gateway alone.
      const texts = rows.map(({ n: _, ...row }) => JSON.stringify(row)).filter((row) => !row.includes('vectors'));
      found[`${file} ${table}`] = texts.sort();
    }
    db.close();
  }
  return found;
}

describe('an export of a user', () => {
  it('holds what every store has of them and nothing of others, and is theirs to have', async () => {
    const { token } = lived;
    await until(() => holding(house.dataDir, ['xylophagous'], 'vectors.db').length > 0);
    const own = await house.person(token).get('/api/v1/users/bo/export');
    expect(own.status).toBe(200);
    const all = own.body;
    expect(all).toMatchObject({ format: 'sigil-user-export', version: 1, user_id: 'bo' });
    expect(all.users).toEqual([expect.objectContaining({ name: 'Boris Vantongeren' })]);
    expect(all.pairings).toEqual([expect.objectContaining({ channel_id: 'bo-on-telegram-771' })]);
    expect(all.tokens).toEqual([expect.objectContaining({ name: 'zeugmatic phone' })]);
    expect(all.sessions).toHaveLength(3);
    expect(all.sessions.flatMap(({ messages }: { messages: unknown[] }) => messages).length).toBeGreaterThan(5);
    const texts = (part: unknown): string => JSON.stringify(part);
    for (const part of [all.sessions, all.memory, all.knowledge, all.vectors])
      expect(texts(part)).toContain('brontophobia');
    expect(all.usage.length).toBeGreaterThan(0);
    expect(texts(all.audit)).toContain('user.created');
    for (const never of [ADAS, token, 'hash"'])
      expect(own.text.replaceAll(/"hash":"[0-9a-f]{64}"/g, '')).not.toContain(never);
    expect((await house.person('ada-token').get('/api/v1/users/bo/export')).status).toBe(403);
    expect((await boss(house, 'GET', '/api/v1/users/nobody/export')).status).toBe(404);
  });
});

describe('an erasure of a user', () => {
  it('is not begun when it cannot be noted', async () => {
    const { token } = lived;
    const db = new Database(join(house.dataDir, 'journal.db'));
    db.exec(`CREATE TRIGGER no BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no entry'); END`);
    expect((await boss(house, 'POST', '/api/v1/users/bo/erase', { confirm: 'bo' })).status).toBe(500);
    db.exec('DROP TRIGGER no');
    db.close();
    expect((await boss(house, 'GET', '/api/v1/users/bo/erasure')).status).toBe(404);
    expect((await house.person(token).chat('hello')).status).toBe(200);
  });

  it('leaves no byte of what they said in any file, and what others said where it was', async () => {
    const { token, adas } = lived;
    await until(() => holding(house.dataDir, ['xylophagous'], 'vectors.db').length > 0);
    // What a damaged view left behind is a copy of what was in it.
    writeFileSync(join(house.dataDir, 'workspaces', 'homelab', 'memory.db.damaged'), 'brontophobia');
    const taught = join(house.dataDir, 'workspaces', 'personal%3Abo', 'skills', 'flat');
    mkdirSync(taught, { recursive: true });
    writeFileSync(join(taught, 'SKILL.md'), '---\nname: flat\ndescription: The way to quokkaland.\n---\n');
    // Files that came with messages: theirs in a session of others, and others' beside them.
    const files = attachmentFiles(house.dataDir);
    const here = { workspace_id: 'homelab', session_id: adas };
    await files.keep({ ...here, user_id: 'bo', message_id: 'm1' }, Buffer.from('a map of quokkaland'));
    const kept = await files.keep({ ...here, user_id: 'ada', message_id: 'm2' }, Buffer.from(ADAS));
    expect(holding(house.dataDir, SECRETS).length).toBeGreaterThan(5);
    expect((await boss(house, 'POST', '/api/v1/users/bo/erase', { confirm: 'ada' })).status).toBe(422);
    expect(
      (await house.person('ada-token').get('/api/v1/users/bo/erase', { method: 'POST', json: { confirm: 'bo' } }))
        .status,
    ).toBe(403);
    await erased(house);
    expect(holding(house.dataDir, SECRETS)).toEqual([]);
    expect((await house.person(token).get('/api/v1/status')).status).toBe(401);
    for (const path of ['/api/v1/users/bo', '/api/v1/users/bo/export'])
      expect([path, (await boss(house, 'GET', path)).status]).toEqual([path, path.endsWith('export') ? 200 : 404]);
    expect((await boss(house, 'GET', '/api/v1/pairings')).body.items).toEqual([]);
    expect((await boss(house, 'GET', '/api/v1/workspaces/personal:bo/sessions')).status).toBe(404);
    for (const workspace of ['homelab', 'personal:bo']) {
      for (const word of ['beetle', 'flat', 'fear']) {
        const found = await boss(house, 'GET', `/api/v1/memory/recall?q=${word}&workspace=${workspace}`);
        expect([word, found.body]).toEqual([
          word,
          { facts: [], entities: [], summaries: [], messages: [], similar: [], similar_error: null },
        ]);
      }
    }
    expect(await files.read('homelab', adas, kept.id)).toEqual(Buffer.from(ADAS));
    const ada = house.person('ada-token');
    expect((await ada.get(`/api/v1/sessions/${adas}/messages`)).text).toContain(ADAS);
    expect((await ada.get('/api/v1/memory/facts?workspace=homelab')).text).toContain(ADAS);
    expect((await ada.get(`/api/v1/memory/search?q=${ADAS}&workspace=homelab`)).body.items).not.toEqual([]);
    const noted = (await boss(house, 'GET', '/api/v1/audit?limit=200')).body.items;
    const actions = noted.map(({ action }: { action: string }) => action);
    expect(actions.filter((action: string) => action === 'session.deleted')).toHaveLength(4);
    expect(actions).toEqual(expect.arrayContaining(['user.erasing', 'user.erased']));
    expect((await boss(house, 'GET', '/api/v1/audit/verify')).body.broken).toBeNull();
    // The one who is gone may come again, and begins with nothing.
    expect((await boss(house, 'POST', '/api/v1/users', { id: 'bo' })).status).toBe(200);
  });
});

describe('what a session of others was summed up to', () => {
  it('goes with somebody whose words are in it, from its log and its views, and the session goes on', async () => {
    const ada = house.person('ada-token');
    const { session_id } = (await ada.chat('I like tea')).body;
    const said = await house.person('cy-token').chat('my cat is called floccinauci', { session_id });
    expect(said.status).toBe(200);
    for (const text of ['what is 2+3?', 'what is 4+5?', 'what is 6+7?']) await ada.chat(text, { session_id });
    const summed = (): string => {
      const journal = new Database(join(house.dataDir, 'journal.db'), { readonly: true });
      const rows = journal.prepare(`SELECT payload FROM records WHERE type = 'compacted'`).pluck().all() as string[];
      journal.close();
      const views = new Database(join(house.dataDir, 'workspaces', 'personal%3Aada', 'sessions.db'), {
        readonly: true,
      });
      const details = views.prepare('SELECT details FROM sessions').pluck().all() as string[];
      views.close();
      return [...rows, ...details].join();
    };
    await until(() => summed().includes('floccinauci'));
    await boss(house, 'POST', '/api/v1/users/cy/erase', { confirm: 'cy' });
    await until(async () => (await boss(house, 'GET', '/api/v1/users/cy/erasure')).body.status === 'done');
    expect(summed()).not.toContain('floccinauci');
    expect((await ada.chat('what is 1+1?', { session_id })).body.content).toContain('2');
  });
});

describe('an erasure of somebody who goes on', () => {
  it('takes nothing more of them while it goes on, and reaches what was deleted before', async () => {
    const { token } = lived;
    house = await startHouse(settings, join(copied(), 'data'));
    const { body } = await house.person(token).chat('remember that my hat is zeugmatic', { workspace_id: 'homelab' });
    await boss(house, 'DELETE', `/api/v1/sessions/${body.session_id}`);
    const late = Promise.all(
      Array.from({ length: 8 }, (_, at) => house.person(token).chat(`xylophagous number ${at}`)),
    );
    await erased(house);
    // Who is gone by the time their message is placed has no role any more.
    for (const { status } of await late) expect([200, 401, 403, 404, 409]).toContain(status);
    expect(holding(house.dataDir, SECRETS)).toEqual([]);
  });

  it('leaves views that are made again from the journal as they are', async () => {
    // What has time is as far as the rest.
    await boss(house, 'GET', '/api/v1/memory/search?workspace=homelab&q=none');
    await house.drain();
    const before = views(house.dataDir);
    await rebuildViews({ dataDir: house.dataDir, views: [], acceptLoss: false });
    expect(views(house.dataDir)).toEqual(before);
    const again = await startHouse(settings, house.dataDir);
    expect((await again.person('ada-token').chat('hello')).status).toBe(200);
  });
});

describe.each(['erasure.sessions', 'journal.redacted:2', 'erasure.told', 'journal.wiped', 'erasure.overwritten'])(
  'an erasure that kill -9 ends at %s',
  (point) => {
    it('is carried on at the next start, to its end', async () => {
      const home = copied();
      writeFileSync(join(home, 'sigil.yaml'), JSON.stringify({ ...settings, networking: { listen: '127.0.0.1:0' } }));
      const killed = start(['start'], home, { env: { SIGIL_KILL_AT: point } });
      await until(() => killed.stdout().includes('listens on'));
      await sigil(['user', 'erase', 'bo', '--yes'], home, { env: { SIGIL_TOKEN: 'boss-token' } });
      // A signal leaves no status.
      expect((await killed.done).status).toBeNull();
      const again = await startHouse(settings, join(home, 'data'));
      await done(again);
      expect(holding(again.dataDir, SECRETS)).toEqual([]);
      const noted = (await boss(again, 'GET', '/api/v1/audit?action=user.erased')).body.items;
      expect(noted).toHaveLength(1);
      expect((await boss(again, 'GET', '/api/v1/audit/verify')).body.broken).toBeNull();
      expect((await again.person('ada-token').get('/api/v1/memory/facts?workspace=homelab')).text).toContain(ADAS);
      await again.drain();
    });
  },
);
