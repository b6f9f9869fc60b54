// SPDX-License-Identifier: Apache-2.0
// Compaction in a real gateway: two thousand messages are summed up behind everybody's back, nothing is missing, and what was said first is found.

import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scratch, sigil } from '../cli/process.ts';
import { until } from '../edge/client.ts';
import { closeHouses, type House, type Person, startHouse } from './house.ts';

const TOKENS = [
  { token: 'token-of-ada-0123456789', user_id: 'ada', name: 'ada', permissions: [] },
  { token: 'token-of-ben-0123456789', user_id: 'ben', name: 'ben', permissions: [] },
  { token: 'token-of-boss-0123456789', user_id: 'boss', name: 'boss', permissions: ['admin:*'] },
];
const KEPT = 150;
const WINDOW = 20;
const BATCH = 400;
const SETTINGS = {
  auth: { tokens: TOKENS },
  workspaces: { homelab: { members: ['ada', 'ben', 'boss'] }, other: { members: ['ada', 'ben', 'boss'] } },
  sessions: {
    memory: { active_window: WINDOW, compaction: { batch_size: BATCH }, recent_store: { max_messages: KEPT } },
  },
};
const SESSION = '01890000-0000-7000-8000-00000000c0de';
const TURNS = 1_000;
/** What was said two thousand messages ago; the last words are asked for. */
const FACT = 'remember that my locker is opened with quokka cadenza';

let house: House;
let [ada, ben, boss]: Person[] = [];
const person = (of: Person | undefined): Person => {
  if (of === undefined) throw new Error('nobody');
  return of;
};

/** A session of so many turns as an export has it. */
function exported(): string {
  const at = (n: number): string => new Date(Date.UTC(2026, 0, 1) + n * 1_000).toISOString();
  const usage = { input_tokens: 0, output_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0, cost_usd: 0 };
  const head = { type: 'session', format: 1, id: SESSION, workspace_id: 'homelab', user_id: 'ada' };
  const session = { ...head, title: 'Long', model: '', status: 'active', created_at: at(0) };
  const turns = Array.from({ length: TURNS }, (_, n) => {
    const said = n === 0 ? FACT : `weather report number ${n}: rain over the harbour`;
    const content = `Noted ${n}.`;
    const times = { created_at: at(2 * n), started_at: at(2 * n), ended_at: at(2 * n + 1) };
    const end = { reply_id: `r-${n}`, content, finish_reason: 'stop', error: null, usage };
    const message = (id: string, role: string, text: string, time: number) => {
      return { type: 'message', id, turn_id: `t-${n}`, role, content: text, created_at: at(time) };
    };
    return [
      { type: 'turn', id: `t-${n}`, status: 'finished', model: 'sigil/offline', ...times, ...end },
      message(`m-${n}`, 'user', said, 2 * n),
      message(`r-${n}`, 'assistant', content, 2 * n + 1),
    ];
  });
  const end = { type: 'end', turns: TURNS, messages: 2 * TURNS };
  return [session, ...turns.flat(), end].map((line) => JSON.stringify(line)).join('\n');
}

const view = <T>(file: string, work: (db: Database.Database) => T): T => {
  const db = new Database(join(house.dataDir, 'workspaces', 'homelab', file), { readonly: true });
  try {
    return work(db);
  } finally {
    db.close();
  }
};
const count = (sql: string, ...bound: readonly unknown[]): number =>
  view(
    'memory.db',
    (db) =>
      db
        .prepare(sql)
        .pluck()
        .get(...bound) as number,
  );
const answered = async (of: Person | undefined, content: string, workspace_id?: string): Promise<string> =>
  (await person(of).chat(content, workspace_id === undefined ? {} : { workspace_id })).body.content;

beforeAll(async () => {
  house = await startHouse(SETTINGS as never);
  [ada, ben, boss] = TOKENS.map(({ token }) => house.person(token));
  const headers = { 'Content-Type': 'application/jsonl' };
  const imported = await person(ada).post('/api/v1/sessions/import', undefined, { raw: exported(), headers });
  expect([imported.status, imported.body.imported]).toEqual([200, TURNS]);
  await person(ada).get('/api/v1/memory/search?workspace=homelab&q=quokka');
  // What is left is less than a batch.
  await until(() => count('SELECT sum(messages - summarized) FROM sessions') < BATCH + WINDOW);
});
afterAll(closeHouses);

describe('two thousand messages', () => {
  it('are summed up behind everybody’s back, and none is missing from both the window and memory', async () => {
    const { kept, summaries } = view('memory.db', (db) => ({
      kept: db.prepare('SELECT id FROM messages WHERE session_id = ?').pluck().all(SESSION) as string[],
      summaries: db.prepare('SELECT message_ids, confirmed FROM summaries').all() as Record<string, unknown>[],
    }));
    const ids = summaries.flatMap(({ message_ids }) => JSON.parse(String(message_ids)) as string[]);
    expect(summaries.every(({ confirmed }) => confirmed === 1)).toBe(true);
    // Each is in one summary at most.
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set([...kept, ...ids]).size).toBe(2 * TURNS);
    expect(kept).not.toContain('m-0');
    // Those beyond what is kept have gone, as far as a summary stands for them.
    expect(kept.length).toBe(Math.max(KEPT, 2 * TURNS - ids.length));
    const { body } = await person(ada).get(`/api/v1/sessions/${SESSION}/messages?limit=1`);
    expect(body.items[0].content).toBe(FACT);
  });

  it('leave what was said first to be found by recall and by meaning, in their workspace and by who said it alone', async () => {
    const asked = ['recall everything about my locker', 'what is similar to how my locker is opened'];
    await until(async () => (await answered(ada, asked[1] ?? '', 'homelab')).includes('quokka cadenza'));
    for (const question of asked) {
      expect(await answered(ada, question, 'homelab')).toContain('quokka cadenza');
      for (const [who, where] of [
        [ben, 'homelab'],
        [ada, 'other'],
        [ada, undefined],
        [boss, 'other'],
      ] as const)
        expect(await answered(who, question, where)).not.toContain('quokka');
    }
    const turn = await person(ada).chat(asked[0] ?? '', { workspace_id: 'homelab' });
    const recalled = JSON.parse(turn.body.tool_calls[0].result.content);
    expect(recalled.known[0].text).toContain('quokka cadenza');
    expect(turn.body.tool_calls[0].name).toBe('memory_recall');
    const http = await person(ada).get('/api/v1/memory/recall?workspace=homelab&q=quokka');
    expect(http.body.facts).toMatchObject([{ entity_name: 'my locker', value: 'opened with quokka cadenza' }]);
  });

  it('are paid for as every call is, and their session tells what they came to', async () => {
    const used = await person(boss).get('/api/v1/usage?by=session&workspace=homelab');
    const of = used.body.items.find(({ key }: { key: string }) => key === SESSION);
    // Those of the import cost nothing here.
    expect(of.calls).toBe(TURNS + count('SELECT count(*) FROM summaries WHERE session_id = ?', SESSION));
    expect(of.input_tokens).toBeGreaterThan(1_000);
    const details = view('sessions.db', (db) =>
      db.prepare('SELECT details FROM sessions WHERE id = ?').pluck().get(SESSION),
    );
    expect(JSON.parse(String(details))).toMatchObject({ last_compaction_at: expect.any(Number) });
    expect(JSON.parse(String(details)).summary).toContain('weather report number 799');
    const { compactions } = (await person(boss).get('/api/v1/status')).body;
    expect(compactions).toEqual({ running: 0, failed: 0, given_up: 0, newest: [] });
  });
});

describe('asked for', () => {
  it('what is left is summed up too, by the command line with its outcome, and by those it belongs to', async () => {
    const args = ['memory', 'compact', '--workspace', 'homelab', '--json'];
    const env = { SIGIL_DATA_DIR: house.dataDir, SIGIL_TOKEN: 'token-of-boss-0123456789' };
    const ran = await sigil(args, scratch(), { env });
    const outcome = JSON.parse(ran.stdout);
    expect([ran.status, outcome.status, outcome.failures]).toEqual([0, 'done', 0]);
    expect(outcome.messages).toBeGreaterThan(100);
    expect(count('SELECT messages - summarized FROM sessions WHERE id = ?', SESSION)).toBe(WINDOW);
    const again = await person(ada).post('/api/v1/memory/compactions', { session_id: SESSION });
    expect(again.body).toMatchObject({ workspace_id: 'homelab', status: 'done', sessions: 0 });
    const { id } = again.body;
    const path = `/api/v1/memory/compactions/${id}`;
    expect((await person(ada).get(`${path}?workspace=homelab`)).body).toMatchObject({ id, status: 'done' });
    expect((await person(ada).get(path)).body.code).toBe('not_found');
    const refused = await person(ben).post('/api/v1/memory/compactions', { session_id: SESSION });
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden']);
    const elsewhere = await person(ben).post('/api/v1/memory/compactions', { workspace_id: 'personal:ada' });
    expect([elsewhere.status, elsewhere.body.code]).toEqual([403, 'not_a_member']);
  });

  it('a fact is forgotten by who stated it, and by nobody else', async () => {
    expect(await answered(ben, 'forget my locker', 'homelab')).toMatch(/know nothing/);
    expect(await answered(ada, 'forget my locker', 'homelab')).toMatch(/forgotten/);
    expect((await person(ada).get('/api/v1/memory/facts?workspace=homelab')).body.items).toEqual([]);
    const listed = await person(ada).chat('list my sessions', { workspace_id: 'homelab' });
    expect(listed.body.tool_calls[0].result.content).toContain(SESSION);
  });
});

describe('a session that is deleted', () => {
  it('takes its summaries and what was taken from it along, from the journal too; what was asked to be kept stays', async () => {
    await person(ben).chat('remember that my umbrella is zibeline', { workspace_id: 'homelab' });
    const { session_id } = (await person(ben).chat('a plain word', { workspace_id: 'homelab' })).body;
    const send = (content: string) => person(ben).post(`/api/v1/sessions/${session_id}/messages`, { content });
    await send('hello there, remember nothing. keep in mind that my parrot is ultramarine');
    await send('remember that my parrot is ultramarine');
    for (let at = 0; at < WINDOW / 2; at += 1) await send(`word ${at}`);
    const begun = await person(ben).post('/api/v1/memory/compactions', { session_id });
    const path = `/api/v1/memory/compactions/${begun.body.id}?workspace=homelab`;
    await until(async () => (await person(ben).get(path)).body.status === 'done');
    const facts = async () =>
      (await person(ben).get('/api/v1/memory/facts?workspace=homelab')).body.items.map(
        ({ value }: { value: string }) => value,
      );
    expect(await facts()).toEqual(expect.arrayContaining(['ultramarine', 'zibeline']));
    expect(count('SELECT count(*) FROM summaries WHERE session_id = ?', session_id)).toBe(1);
    expect((await person(ben).post(`/api/v1/sessions/${session_id}`, undefined, { method: 'DELETE' })).status).toBe(
      200,
    );
    const journal = (): number => {
      const db = new Database(join(house.dataDir, 'journal.db'), { readonly: true });
      const rows = db
        .prepare(`SELECT count(*) FROM records WHERE payload LIKE '%a plain word%'`)
        .pluck()
        .get() as number;
      db.close();
      return rows;
    };
    await until(() => journal() === 0);
    await until(() => count('SELECT count(*) FROM summaries WHERE session_id = ?', session_id) === 0);
    expect(await facts()).toContain('zibeline');
  });
});
