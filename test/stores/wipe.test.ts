// SPDX-License-Identifier: Apache-2.0
// What was deleted is in no byte of a database or its log, whatever SQLite moved about before and whoever writes meanwhile.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDatabase, type SqliteDatabase } from '../../src/stores/sqlite/database.ts';
import { wipeDatabase, wipeFile } from '../../src/stores/sqlite/wipe.ts';
import { seeded } from '../crash/random.ts';

const MIGRATIONS = [
  `CREATE TABLE words (id INTEGER PRIMARY KEY, name TEXT NOT NULL, text TEXT NOT NULL) STRICT;
   CREATE INDEX words_by_name ON words (name, id);`,
];

let dir = '';
let file = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sigil-wipe-'));
  file = join(dir, 'words.db');
});
afterEach(() => rmSync(dir, { recursive: true }));

const open = (): SqliteDatabase => openDatabase(file, { migrations: MIGRATIONS, durability: 'normal', cacheKib: 1024 });

/** Everything that lies in the file and its log. */
const bytes = (): string => ['', '-wal'].map((end) => readFileSync(`${file}${end}`, 'latin1')).join('');

/** Puts, changes and deletes words at random places, so that pages are parted, merged and moved; what stays. */
function live(db: SqliteDatabase, seed: number, times: number, word: string): Map<number, string> {
  const random = seeded(seed);
  const put = db.prepare('INSERT OR REPLACE INTO words (id, name, text) VALUES (?, ?, ?)');
  const drop = db.prepare('DELETE FROM words WHERE id = ?');
  const kept = new Map<number, string>();
  for (let n = 0; n < times; n += 1) {
    const id = Math.floor(random() * 5_000);
    const text = `${word}-${n} `.repeat(1 + Math.floor(random() ** 3 * 120));
    put.run(id, `${word}-${n}`, text);
    kept.set(id, text);
    if (random() < 0.3) {
      const gone = Math.floor(random() * 5_000);
      drop.run(gone);
      kept.delete(gone);
    }
  }
  return kept;
}

it('leaves nothing of what was deleted, and everything that was not', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000 }), (seed) => {
      for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true });
      const db = open();
      const stays = db.transaction(() => live(db, seed, 2_000, 'erasable'))();
      // Half of what is there goes; what stays lay on the same pages.
      const erased = [...stays.keys()].filter((id) => id % 2 === 0);
      db.transaction(() => {
        for (const id of erased) db.prepare('DELETE FROM words WHERE id = ?').run(id);
        // What stays of the word is called otherwise.
        db.exec(
          `UPDATE words SET name = replace(name, 'erasable', 'harmless'), text = replace(text, 'erasable', 'harmless')`,
        );
      })();
      let n = 0;
      for (const _step of wipeDatabase(db)) {
        // Others have their turn between two steps, with other words.
        n += 1;
        db.prepare('INSERT INTO words (id, name, text) VALUES (?, ?, ?)').run(
          10_000 + n,
          `later-${n}`,
          'later '.repeat(100),
        );
      }
      expect(bytes()).not.toContain('erasable');
      expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
      for (const id of erased) stays.delete(id);
      const found = db.prepare('SELECT id, text FROM words WHERE id < 10000').raw().all() as [number, string][];
      expect(new Map(found)).toEqual(
        new Map([...stays].map(([id, text]) => [id, text.replaceAll('erasable', 'harmless')])),
      );
      expect(db.prepare('SELECT count(*) FROM words WHERE id > 10000').pluck().get()).toBe(n);
      db.close();
    }),
    { numRuns: 12 },
  );
});

it('would find it there without that', () => {
  const db = open();
  db.transaction(() => live(db, 7, 2_000, 'erasable'))();
  db.exec('DELETE FROM words WHERE id % 2 = 0');
  db.exec(
    `UPDATE words SET name = replace(name, 'erasable', 'harmless'), text = replace(text, 'erasable', 'harmless')`,
  );
  db.pragma('wal_checkpoint(TRUNCATE)');
  expect(bytes()).toContain('erasable');
  db.close();
});

it('waits for who reads what the log held, and gives up where they read for too long', () => {
  const db = open();
  db.transaction(() => live(db, 1, 500, 'word'))();
  const reader = new Database(file, { readonly: true });
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM words').get();
  db.prepare('DELETE FROM words').run();
  const steps = wipeDatabase(db);
  for (let n = 0; n < 10; n += 1) expect(steps.next()).toMatchObject({ done: false, value: 25 });
  reader.exec('COMMIT');
  for (const wait of steps) expect(wait).toBe(0);
  expect(bytes()).not.toContain('word-');

  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM words').get();
  db.prepare(`INSERT INTO words (name, text) VALUES ('a', 'b')`).run();
  expect(() => [...wipeDatabase(db)]).toThrow(/is being read/);
  reader.close();
  db.close();
});

it('goes on where it was when the file is closed and opened in between, and with another process at the file', () => {
  let db = open();
  db.transaction(() => live(db, 3, 6_000, 'erasable'))();
  db.exec(`WITH RECURSIVE n (n) AS (SELECT 20000 UNION ALL SELECT n + 1 FROM n WHERE n < 22000)
    INSERT INTO words SELECT n, 'long', printf('%.2000c', '-') FROM n`);
  db.exec('DELETE FROM words WHERE id % 2 = 0');
  db.exec(
    `UPDATE words SET name = replace(name, 'erasable', 'harmless'), text = replace(text, 'erasable', 'harmless')`,
  );
  const pages = Number(db.pragma('page_count', { simple: true }));
  expect(pages).toBeGreaterThan(3 * 256);
  let opened = { wipe: (place: Parameters<typeof wipeDatabase>[1]) => wipeDatabase(db, place) };
  const places: number[] = [];
  for (const _step of wipeFile(file, (work) => work(opened))) {
    // The pool closes the least recently used file.
    db.close();
    db = open();
    opened = {
      wipe: (place) => {
        places.push(place?.pages ?? 0);
        return wipeDatabase(db, place);
      },
    };
    // Somebody else's process opens the file, writes and is the last to close it, as it seems.
    if (places.length !== 1) continue;
    const script = `const db = new (require('better-sqlite3'))(${JSON.stringify(file)});
      db.exec("INSERT INTO words (id, name, text) VALUES (9999, 'other', 'process')"); db.close();`;
    expect(spawnSync(process.execPath, ['-e', script], { cwd: import.meta.dirname }).status).toBe(0);
    expect(existsSync(`${file}-wal`)).toBe(true);
    db.exec("INSERT INTO words (id, name, text) VALUES (9998, 'this', 'process')");
  }
  expect(places.slice(0, 3)).toEqual([256, 512, 768]);
  expect(bytes()).not.toContain('erasable');
  db.close();
  db = open();
  expect(db.prepare('SELECT name FROM words WHERE id IN (9998, 9999) ORDER BY id').pluck().all()).toEqual([
    'this',
    'other',
  ]);
  expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
  db.close();
});
