// SPDX-License-Identifier: Apache-2.0
// Work for a data directory whose power is to fail: a journal, its views with their vectors, values, files that close and are checkpointed, rows trimmed.

import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { hash384 } from '../../src/embeddings/hash-384.ts';
import type { Append } from '../../src/stores/journal.ts';
import { JournalWriter } from '../../src/stores/journal-writer.ts';
import type { Durability } from '../../src/stores/sqlite/database.ts';
import type { SqliteJournalDisk } from '../../src/stores/sqlite/journal-disk.ts';
import { SqliteViews } from '../../src/stores/sqlite/views.ts';
import { storeWorkspace, type WorkspaceRecord } from '../../src/stores/workspace-records.ts';
import { ManualClock } from '../stores/manual-clock.ts';
import { randomTurn, SessionLog } from '../stores/session-log.ts';
import { workOnValues } from './power-values-workload.ts';
import { openDisk } from './power-workload.ts';
import { seeded } from './random.ts';

export interface ViewsWorkload {
  readonly dir: string;
  readonly durability: Durability;
  readonly seed: number;
  readonly commits: number;
  /** Rows are trimmed from the journal, so that views hold what is nowhere else. */
  readonly trims: boolean;
}

export const WORKSPACES = ['w0', 'w1', 'w2'] as const;
export const VIEW_FILES: readonly string[] = [
  'gateway.db',
  ...WORKSPACES.flatMap((id) =>
    ['sessions.db', 'memory.db', 'knowledge.db', 'vectors.db'].map((name) => `workspaces/${id}/${name}`),
  ),
];

/** Primary data: made from nothing else. */
export const VALUES_FILES: readonly string[] = WORKSPACES.map((id) => `workspaces/${id}/values.db`);

/** How often what happens, per commit. */
const CHANCE = { values: 0.5, follow: 0.5, checkpoint: 0.25, trim: 0.08, fact: 0.4, folded: 0.3 } as const;
const SESSIONS = 6;
const DATED = Date.UTC(2026, 0, 1);

/** Does all of it and says in `acks` what was acknowledged; what it leaves open nobody closes. */
export async function workOnViews({ dir, durability, seed, commits, trims }: ViewsWorkload): Promise<void> {
  const random = seeded(seed);
  const clock = new ManualClock();
  const disk = openDisk(join(dir, 'journal.db'), durability);
  const tell = (text: string): void => appendFileSync(join(dir, 'acks'), `${text}\n`);
  const views = new SqliteViews({
    dataDir: dir,
    soon: clock.soon,
    after: clock.after,
    monotonic: clock.monotonic,
    advanced: () => undefined,
    failed: ({ message }) => {
      throw new Error(message);
    },
    // Few: files are closed and opened all the time, and the last one who closes a file moves its log into it.
    openFiles: random() < 0.5 ? 2 : 64,
    vectors: {
      model: { name: hash384.id, dimensions: hash384.dimensions },
      embed: ({ texts }, answered) => clock.soon(() => answered({ ok: true, vectors: hash384.embed(texts) })),
      filling: () => undefined,
    },
  });
  const writer = new JournalWriter({ disk, soon: clock.soon, notify: (upto) => views.wake(upto) });
  const append = (body: Append): void =>
    writer.append({
      body,
      reply: () => undefined,
      fail: ({ message }) => {
        throw new Error(message);
      },
    } as Parameters<JournalWriter['append']>[0]);
  const logs = Array.from({ length: SESSIONS }, (_, at) => new SessionLog(`s${at}`, `w${at % WORKSPACES.length}`));
  const facts = WORKSPACES.map((id) => factsOf(id, random));
  const trimmer = disk.trimmer(dir);
  const changeValues = workOnValues({ dir, seed: seed + 1, workspaces: WORKSPACES, tell });
  const files = [...VIEW_FILES, ...VALUES_FILES];
  for (const [at, log] of logs.entries()) {
    log.at = DATED + at;
    append(log.create());
  }
  for (let commit = 1; commit <= commits; commit += 1) {
    const log = logs[Math.floor(random() * logs.length)] as SessionLog;
    for (const body of randomTurn(log, random)) append(body);
    if (random() < CHANCE.folded) append(log.next({ type: 'checkpoint', state: { folded: log.id } }));
    if (random() < CHANCE.fact) append((facts[Math.floor(random() * facts.length)] as () => Append)());
    clock.turn();
    tell(`ack ${writer.seq}`);
    // What the views do comes behind the answer, and now and then much later.
    if (random() < CHANCE.follow) clock.advance(5_000);
    if (random() < CHANCE.values) changeValues();
    if (random() < CHANCE.checkpoint) checkpoint(dir, files[Math.floor(random() * files.length)] ?? '');
    if (!trims || random() >= CHANCE.trim) continue;
    clock.advance(5_000);
    await trim(trimmer, log.at);
    tell('trim');
  }
  tell('end');
}

/** What SQLite does by itself once a log is long enough, which those of a short run never are. */
function checkpoint(dir: string, file: string): void {
  if (!existsSync(join(dir, file))) return;
  const db = new Database(join(dir, file), { fileMustExist: true });
  db.pragma('synchronous = NORMAL');
  db.pragma('wal_checkpoint(PASSIVE)');
  db.close();
}

/** A pass over the whole journal. */
async function trim(trimmer: ReturnType<SqliteJournalDisk['trimmer']>, cutoff: number): Promise<void> {
  for (;;) {
    const step = trimmer.step(cutoff, () => 0);
    if (step.done) break;
    if (step.wanted !== undefined) await trimmer.look(step.wanted);
  }
  trimmer.restart();
}

/** A workspace's own stream: facts put, put again and forgotten. */
function factsOf(workspace_id: string, random: () => number): () => Append {
  let n = 0;
  return () => {
    n += 1;
    const id = `fact-${Math.floor(random() * 20)}`;
    const value = `value ${Math.floor(random() * 50)}`;
    const fact = { id, entity_id: `thing-${Math.floor(random() * 5)}`, predicate: 'is', value } as const;
    const record: WorkspaceRecord =
      random() < 0.8
        ? { type: 'facts_put', facts: [{ ...fact, confidence: 1, source: 'import', user_id: '' }] }
        : { type: 'facts_deleted', ids: [id] };
    const items = [{ at: DATED + n, records: [storeWorkspace(record)], owes: [], settles: [] }];
    return { stream: `workspace/${workspace_id}`, workspace_id, n, items };
  };
}
