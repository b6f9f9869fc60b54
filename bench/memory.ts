// SPDX-License-Identifier: Apache-2.0
// Memory: full-text search against the bare index, opening a workspace against opening its files, one store call beside
// others, and open files with very many workspaces.

import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { realWorld } from '../src/composition/real-world.ts';
import type { ReadStore } from '../src/stores/session-store.ts';
import { type OneThread, openOneThread } from '../src/stores/sqlite/one-thread.ts';
import { SqliteReader } from '../src/stores/sqlite/reader.ts';
import { VectorsWriter } from '../src/stores/sqlite/vectors-writer.ts';
import { WORKSPACE_FILES } from '../src/stores/sqlite/views.ts';
import type { AddedMessage } from '../src/stores/workspace-records.ts';
import { inParallel, residentMb } from './house.ts';
import { absolute, inTurns, type Measured, type Plan, quantile, ratioOf } from './measured.ts';

const MESSAGES = 100_000;
/** Messages of a record, and records that wait at once. */
const TOGETHER = 250;
const VOCABULARY = 30_000;
const COMMONEST = wordOf(0);

/** A word by its rank: of letters alone, every one different. */
function wordOf(rank: number): string {
  let word = 'w';
  for (let rest = rank * 7_919 + 13; rest > 0; rest = Math.floor(rest / 26))
    word += String.fromCharCode(97 + (rest % 26));
  return word;
}

/** Texts whose words are as common as those of a language (Zipf), from a seed. */
function texts(): () => string {
  let state = 1;
  const random = (): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  const highest = Math.log(VOCABULARY);
  return () => {
    const words = Array.from({ length: 5 + Math.floor(random() * 75) }, () =>
      wordOf(Math.floor(Math.exp(random() * highest)) - 1),
    );
    return words.join(' ');
  };
}

const message = (n: number, content: string): AddedMessage => ({
  ...{ id: `m${n}`, session_id: `s${n % 500}`, turn_id: 't', user_id: `u${n % 50}` },
  ...{ role: n % 2 === 0 ? 'user' : 'assistant', origin: 'user_input', content, at: n },
});

/** The stores of a directory in this thread. */
function openStores(dataDir: string): OneThread {
  return openOneThread({ dataDir, durability: 'normal', window: 20, world: realWorld });
}

async function withDir<T>(run: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'sigil-memory-'));
  try {
    return await run(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** A workspace with very many messages, and the same texts in a bare index. */
async function fill(stores: OneThread, bare: Database.Database, count: number): Promise<void> {
  bare.exec(`CREATE VIRTUAL TABLE messages USING fts5 (content, tokenize = 'unicode61 remove_diacritics 2')`);
  const insert = bare.prepare<[string]>('INSERT INTO messages (content) VALUES (?)');
  const next = texts();
  for (let from = 0; from < count; from += TOGETHER) {
    const contents = Array.from({ length: TOGETHER }, next);
    const messages = contents.map((content, at) => message(from + at, content));
    await stores.writer.write({ workspace_id: 'large', records: [{ type: 'messages_added', messages }] });
    bare.transaction(() => {
      for (const content of contents) insert.run(content);
    })();
  }
  await stores.read.read('memory.count', { workspace_id: 'large' });
}

const search = (read: ReadStore, text: string, workspace_id = 'large'): Promise<unknown> =>
  read.read('memory.search', { workspace_id, text, match: 'all', kinds: ['user', 'assistant'], page: { limit: 10 } });

async function p99(count: number, run: (at: number) => Promise<unknown> | unknown): Promise<number> {
  const took: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const began = performance.now();
    await run(at);
    took.push(performance.now() - began);
  }
  return quantile(took, 0.99);
}

/** Full text: rare words against the bare index's own query, and the commonest word. */
export function measureSearch({
  rounds,
  short,
}: Plan): Promise<Readonly<Record<'rare' | 'common' | 'stall', Measured>>> {
  return withDir(async (dir) => {
    const stores = openStores(dir);
    const bare = new Database(join(dir, 'bare.db'));
    bare.pragma('journal_mode = WAL');
    try {
      await fill(stores, bare, short ? 20_000 : MESSAGES);
      const query = bare.prepare<[string]>(
        `SELECT rowid, snippet(messages, 0, '[', ']', '…', 32) FROM messages WHERE messages MATCH ? ORDER BY rank LIMIT 10`,
      );
      const rare = (at: number): string => wordOf(1_000 + ((at * 37) % 2_000));
      const asked = short ? 100 : 300;
      const both = await inTurns(
        rounds,
        () => p99(asked, (at) => search(stores.read, rare(at))),
        () => p99(asked, (at) => query.all(`"${rare(at)}"`)),
      );
      const common: number[] = [];
      for (let round = 0; round < rounds; round += 1)
        common.push(await p99(asked / 5, () => search(stores.read, COMMONEST)));
      return { rare: ratioOf(both), common: absolute(common), stall: await stall(stores, rounds) };
    } finally {
      bare.close();
      stores.close();
    }
  });
}

/** How many people search for common words at once, and in how many small workspaces others ask meanwhile. */
const [SEARCHING, OTHERS] = [20, 100];

/** What a small read waits at most while a large workspace is searched by many: p99, in milliseconds. */
async function stall({ writer, read }: OneThread, rounds: number): Promise<Measured> {
  for (let at = 0; at < OTHERS; at += 1) {
    const messages = [message(at, `hello from ${at}`)];
    await writer.write({ workspace_id: `personal:p${at}`, records: [{ type: 'messages_added', messages }] });
  }
  const figures: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    let over = false;
    const searching = inParallel(SEARCHING, SEARCHING, async () => {
      while (!over) await search(read, `${COMMONEST} ${wordOf(1)} ${wordOf(2)}`);
    });
    figures.push(await p99(2 * OTHERS, (at) => search(read, 'hello', `personal:p${at % OTHERS}`)));
    over = true;
    await searching;
  }
  return absolute(figures);
}

/** The first read of a workspace that was at rest, against opening its files as they are. */
export function measureOpening({ rounds, short }: Plan): Promise<Measured> {
  return withDir(async (dir) => {
    const count = short ? 20 : 100;
    const ids = Array.from({ length: count }, (_, at) => `w${at}`);
    const stores = openStores(dir);
    for (const [at, id] of ids.entries()) {
      const of = { session_id: `s${at}`, workspace_id: id };
      const created = { type: 'session_created', ...of, user_id: 'u', channel: 'channel/http' } as const;
      await stores.sessions.write({ ...of, session: 'new', records: [created] });
      await stores.writer.write({
        workspace_id: id,
        records: [
          { type: 'messages_added', messages: [message(at, 'hi')] },
          { type: 'entity_put', entity: { id: 'e', type: 'thing', name: 'it', properties: {}, user_id: '' } },
        ],
      });
      await stores.read.read('memory.count', { workspace_id: id });
    }
    stores.close();
    // Nothing is embedded here; an index that is empty is opened like any other.
    for (const id of ids)
      new VectorsWriter(join(dir, 'workspaces', id, 'vectors.db'), { name: 'none', dimensions: 384 }).close();
    const { soon, after, monotonic } = realWorld;
    const ours = async (): Promise<number> => {
      const reader = new SqliteReader({ dataDir: dir, soon, after, monotonic, openFiles: 3 });
      const ask = (
        query: 'session.list' | 'memory.count' | 'knowledge.entities' | 'vectors.items',
        workspace_id: string,
      ): Promise<unknown> =>
        new Promise((resolve, reject) =>
          reader.ask(query, {
            body: { workspace_id, user_id: 'u', page: { limit: 1 }, after: 0 },
            reply: resolve,
            fail: reject,
          } as never),
        );
      await ask('session.list', 'w0');
      const took = await medianOf(ids, async (id) => {
        await Promise.all([
          ask('session.list', id),
          ask('memory.count', id),
          ask('knowledge.entities', id),
          ask('vectors.items', id),
        ]);
      });
      reader.close();
      return took;
    };
    const floor = (): Promise<number> =>
      medianOf(ids, (id) => {
        for (const file of WORKSPACE_FILES) {
          const db = new Database(join(dir, 'workspaces', id, file), { readonly: true });
          db.prepare('SELECT count(*) FROM view_state').get();
          db.close();
        }
      });
    return ratioOf(await inTurns(rounds, ours, floor));
  });
}

/** The median time one of the ids takes, in milliseconds. */
async function medianOf(ids: readonly string[], run: (id: string) => Promise<void> | void): Promise<number> {
  const took: number[] = [];
  for (const id of ids) {
    const began = performance.now();
    await run(id);
    took.push(performance.now() - began);
  }
  return quantile(took, 0.5);
}

/** Open files of this process. */
export function openFiles(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Those of them that are databases in a directory. */
export function openDatabases(dir: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(dir);
    } catch {
      return false;
    }
  }).length;
}

/** Very many workspaces with one message each: files open at most, and memory between the middle and the end. */
export function measureWorkspaces({ short }: Plan): Promise<Readonly<Record<'files' | 'memory', Measured>>> {
  return withDir(async (dir) => {
    const count = short ? 1_000 : 10_000;
    const stores = openStores(dir);
    let most = 0;
    let middle = 0;
    try {
      for (let at = 0; at < count; at += TOGETHER) {
        await inParallel(Math.min(TOGETHER, count - at), TOGETHER, async (n) => {
          const workspace_id = `personal:p${at + n}`;
          const messages = [message(at + n, `hello from ${at + n}`)];
          await stores.writer.write({ workspace_id, records: [{ type: 'messages_added', messages }] });
          await search(stores.read, 'hello', workspace_id);
        });
        most = Math.max(most, openFiles());
        if (at >= count / 2 && middle === 0) middle = residentMb();
      }
      return { files: absolute([most]), memory: absolute([residentMb() - middle]) };
    } finally {
      stores.close();
    }
  });
}
