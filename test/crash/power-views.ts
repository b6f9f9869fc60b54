// SPDX-License-Identifier: Apache-2.0
// Power loss over the views: copies of a whole data directory as a cut would leave it, each read as it lies and then started.

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import type { JournalRow } from '../../src/stores/records.ts';
import { PUT_ASIDE } from '../../src/stores/sqlite/damaged.ts';
import type { Durability } from '../../src/stores/sqlite/database.ts';
import { viewFacts } from '../../src/stores/sqlite/file-facts.ts';
import { ROW_COLUMNS } from '../../src/stores/sqlite/journal-schema.ts';
import { checkBeforeStart } from '../../src/stores/sqlite/start-check.ts';
import { follow } from '../data-kills/follow.ts';
import { MODELS } from '../data-kills/models.ts';
import { Shadow } from '../data-kills/shadow.ts';
import { type DumpedItem, dumpItems } from '../data-kills/vectors-dump.ts';
import { dumpViews } from '../stores/store-house.ts';
import { Disk, freshDir } from './power-copies.ts';
import { hasStrace, type Op, trace } from './power-record.ts';
import { ValuesTold } from './power-values.ts';
import { VALUES_FILES, VIEW_FILES, WORKSPACES } from './power-views-workload.ts';
import { seeded } from './random.ts';

export interface PowerViewsOptions {
  readonly copies: number;
  readonly seed: number;
  readonly keep: boolean;
}

export interface PowerViewsFigures {
  copies: number;
  /** Files of views in them, and those of which something was not certain when the power went. */
  files: number;
  unsynced: number;
  /** Of those, the ones whose own pages were being written. */
  while_checkpointing: number;
  /** Files that could not be read as they lay, and those that were put aside to be made again. */
  unreadable: number;
  put_aside: number;
  /** Files of values in which something was not certain: of what was asked and not answered yet. */
  values_unsynced: number;
  /** Copies of which the journal was trimmed: what their views hold is nowhere else. */
  trimmed: number;
  /** Files that were short of rows the journal has, and made up for them. */
  behind: number;
  problems: number;
  seconds: number;
}

const CHILD = fileURLToPath(new URL('./power-views-child.ts', import.meta.url));
/** Copies of one recording, and its commits. */
const COPIES = 125;
const COMMITS = 50;
const SHOWN = 10;
/** Copies of which some must have lost something. */
const BLIND_FROM = 20;
const MODEL = MODELS[0];
/** What follows the journal by a place of its own in gateway.db: not a part of what one place says. */
const CURSORS = /^gateway\.db (?:projections|projected)$/;

/** @returns figures, every promise that did not hold printed; undefined where nobody can tell what is asked of the disk */
export async function losePowerOverViews({
  copies,
  seed,
  keep,
}: PowerViewsOptions): Promise<PowerViewsFigures | undefined> {
  if (!hasStrace()) return undefined;
  const began = performance.now();
  const recordings = Math.max(2, Math.ceil(copies / COPIES));
  const figures: PowerViewsFigures = {
    copies: 0,
    files: 0,
    unsynced: 0,
    while_checkpointing: 0,
    unreadable: 0,
    put_aside: 0,
    values_unsynced: 0,
    trimmed: 0,
    behind: 0,
    problems: 0,
    seconds: 0,
  };
  console.log(`power loss over views: ${copies} copies of ${recordings} data directories, seed ${seed}`);
  for (let at = 0; at < recordings; at += 1) {
    // One in four with the weaker setting: then views may be ahead of their journal, and are made again.
    const durability = at % 4 === 1 ? 'normal' : 'full';
    const trims = at % 2 === 0;
    const ops = await record(durability, seed * 1_000 + at, trims);
    const share = Math.floor((copies * (at + 1)) / recordings) - Math.floor((copies * at) / recordings);
    cut(figures, ops, { durability, copies: share, seed: seed * 6_007 + at, keep });
    console.log(`  ${figures.copies} copies, ${figures.problems} problems`);
  }
  // Copies in which everything had reached the disk would show nothing.
  const { behind, while_checkpointing, values_unsynced } = figures;
  if (copies >= BLIND_FROM && (behind === 0 || while_checkpointing === 0 || values_unsynced === 0)) {
    figures.problems += 1;
    console.log('  PROBLEM no view is short of anything, or something was never written to: they are no power losses');
  }
  figures.seconds = Math.round((performance.now() - began) / 100) / 10;
  return figures;
}

async function record(durability: Durability, seed: number, trims: boolean): Promise<readonly Op[]> {
  const dir = mkdtempSync(join(tmpdir(), 'sigil-power-'));
  try {
    const directories = ['.', 'workspaces', ...WORKSPACES.map((id) => `workspaces/${id}`)];
    const files = ['journal.db', ...VIEW_FILES, ...VALUES_FILES].flatMap((name) => [
      name,
      `${name}-wal`,
      `${name}-journal`,
    ]);
    const child = [CHILD, dir, durability, String(seed), String(COMMITS), String(trims)];
    const ops = await trace({ dir, directories, files, child });
    if (!ops.some((op) => op.op === 'told' && op.text === 'end\n'))
      throw new Error('the process that was recorded failed');
    return ops;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

interface CutOptions extends PowerViewsOptions {
  readonly durability: Durability;
}

function cut(figures: PowerViewsFigures, ops: readonly Op[], { durability, copies, seed, keep }: CutOptions): void {
  const random = seeded(seed);
  const dir = mkdtempSync(join(tmpdir(), 'sigil-power-'));
  const copy = join(dir, 'copy');
  const truth = new Truth(ops, join(dir, 'truth'));
  // A view's own pages are written seldom, and that is when it could be torn: half of the cuts come there. A quarter comes
  // around a change of values, at any call for it: written, synced, answered, checkpointed.
  const own = ops.flatMap((op, at) => (op.op === 'write' && VIEW_FILES.includes(op.file) ? [at + 1] : []));
  const values = ops.flatMap((op, at) => ('file' in op && /\/values\.db/.test(op.file) ? [at, at + 1] : []));
  const places = Array.from({ length: copies }, () => {
    const drawn = random();
    const among = drawn < 0.5 ? own : drawn < 0.75 ? values : [];
    return among[Math.floor(random() * among.length)] ?? Math.floor(random() * (ops.length + 1));
  }).sort((a, b) => a - b);
  const disk = new Disk();
  const told = { seq: 0, trimmed: false, values: new ValuesTold(WORKSPACES) };
  let done = 0;
  for (const place of places) {
    for (; done < place; done += 1) {
      const op = ops[done];
      if (op === undefined) break;
      disk.apply(op);
      if (op.op !== 'told') continue;
      told.values.note(op.text);
      const [what, seq] = op.text.trimEnd().split(' ');
      if (what === 'trim') told.trimmed = true;
      if (what === 'ack') told.seq = Number(seq);
    }
    freshDir(copy);
    disk.copyTo(copy, random);
    figures.copies += 1;
    if (told.trimmed) figures.trimmed += 1;
    const touched = VIEW_FILES.filter((file) => disk.unsynced(file) || disk.unsynced(`${file}-wal`));
    figures.unsynced += touched.length;
    figures.while_checkpointing += touched.filter((file) => disk.unsynced(file)).length;
    figures.values_unsynced += VALUES_FILES.filter(
      (file) => disk.unsynced(file) || disk.unsynced(`${file}-wal`),
    ).length;
    const problems = [
      ...told.values.problems(copy),
      ...check(copy, truth, durability === 'full' ? told.seq : 0, figures),
    ];
    figures.problems += problems.length;
    for (const problem of problems) {
      if (figures.problems <= SHOWN)
        console.log(`  PROBLEM at call ${place} of ${ops.length} (${durability}): ${problem}`);
    }
    if (problems.length > 0 && keep) {
      console.log(`  kept in ${dir}`);
      return;
    }
  }
  rmSync(dir, { recursive: true });
}

/** What is in a directory: its views table by table, and its vectors item by item. */
interface Content {
  readonly tables: Readonly<Record<string, string>>;
  readonly items: ReadonlyMap<string, readonly DumpedItem[]>;
}

/** Every row there ever was, and what views of those up to any of them have in them. */
class Truth {
  readonly #shadow = new Shadow();
  readonly #contents = new Map<number, Content>();
  readonly #dir: string;

  constructor(ops: readonly Op[], dir: string) {
    this.#dir = dir;
    const disk = new Disk();
    const take = (): void => {
      freshDir(dir);
      disk.copyWhole(dir, /^journal\.db/);
      this.#shadow.note(dir);
    };
    // Rows that are trimmed later are there when they are acknowledged.
    for (const op of ops) {
      disk.apply(op);
      if (op.op === 'told' && op.text.startsWith('ack')) take();
    }
    take();
  }

  /** @param upto the last row */
  content(upto: number): Content {
    const held = this.#contents.get(upto);
    if (held !== undefined) return held;
    freshDir(this.#dir);
    this.#shadow.writeTo(this.#dir, upto);
    const failures = follow(this.#dir, { model: MODEL });
    if (failures.length > 0) throw new Error(`made from scratch: ${failures[0]?.message}`);
    const content = { tables: tablesOf(this.#dir), items: itemsOf(this.#dir) };
    this.#contents.set(upto, content);
    return content;
  }

  /** What is wrong with a journal's rows. */
  problems(dir: string, least: number): { readonly last: number; readonly problems: readonly string[] } {
    const db = new Database(join(dir, 'journal.db'));
    try {
      // Cut before its first commit: it is made anew, and there is nothing it could have acknowledged.
      const made = db.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'records'`).get() !== undefined;
      if (!made) return { last: 0, problems: least > 0 ? [`there are no rows, and ${least} was acknowledged`] : [] };
      const rows = db.prepare<[], JournalRow>(`SELECT ${ROW_COLUMNS} FROM records ORDER BY seq`).all();
      const last = rows.at(-1)?.seq ?? 0;
      const wrong = rows.find((row) => !this.#shadow.has(row));
      const problems = wrong === undefined ? [] : [`row ${wrong.seq} is another one`];
      if (last < least) problems.push(`the journal ends with ${last}, and ${least} was acknowledged`);
      return { last, problems };
    } finally {
      db.close();
    }
  }
}

function tablesOf(dir: string, of = (_file: string): boolean => true): Readonly<Record<string, string>> {
  const files = VIEW_FILES.filter((file) => !file.endsWith('vectors.db') && existsSync(join(dir, file)) && of(file));
  return Object.fromEntries(
    Object.entries(dumpViews(dir, files)).map(([table, rows]) => [table, JSON.stringify(rows)]),
  );
}

function itemsOf(dir: string, of = (_file: string): boolean => true): ReadonlyMap<string, readonly DumpedItem[]> {
  const files = VIEW_FILES.filter((file) => file.endsWith('vectors.db') && existsSync(join(dir, file)) && of(file));
  return new Map(files.map((file) => [file, dumpItems(join(dir, file))]));
}

/** Reads each view of a copy as it lies, then starts over it: what is wrong. */
function check(dir: string, truth: Truth, least: number, figures: PowerViewsFigures): readonly string[] {
  const problems: string[] = [];
  try {
    const journal = existsSync(join(dir, 'journal.db')) ? truth.problems(dir, least) : { last: 0, problems: [] };
    problems.push(...journal.problems);
    for (const file of VIEW_FILES) problems.push(...asItLies(dir, file, truth, journal.last, figures));
    for (const { message } of checkBeforeStart(dir)) problems.push(`a start says: ${message}`);
    for (const { message, details } of follow(dir, { model: MODEL })) {
      if (details?.['reason'] === PUT_ASIDE) figures.put_aside += 1;
      else problems.push(`a start says: ${message}`);
    }
    // Without a row there is nothing a view could be made of.
    if (journal.last > 0) problems.push(...differences(dir, truth.content(journal.last)));
  } catch (thrown) {
    problems.push(`it cannot be started: ${thrown instanceof Error ? thrown.stack : String(thrown)}`);
  }
  return problems;
}

/** A file that can be read must say what it should at the row it has come to, though nobody has looked after it yet. */
function asItLies(
  dir: string,
  file: string,
  truth: Truth,
  last: number,
  figures: PowerViewsFigures,
): readonly string[] {
  if (!existsSync(join(dir, file))) return [];
  figures.files += 1;
  let upto: number;
  let found: Content;
  const only = (name: string): boolean => name.startsWith(`${file} `);
  try {
    const db = new Database(join(dir, file), { readonly: true });
    upto = viewFacts(db)?.upto ?? 0;
    db.close();
    if (upto === 0) return [];
    const items = file.endsWith('vectors.db') ? dumpItems(join(dir, file)) : [];
    const tables =
      items.length > 0
        ? {}
        : Object.fromEntries(
            Object.entries(dumpViews(dir, [file])).map(([name, rows]) => [name, JSON.stringify(rows)]),
          );
    found = { tables, items: new Map([[file, items]]) };
  } catch {
    // Whoever asks it gets an error: it is noticed.
    figures.unreadable += 1;
    return [];
  }
  if (upto < last) figures.behind += 1;
  const wanted = truth.content(upto);
  const wrong = Object.keys(wanted.tables)
    .filter((name) => only(name) && !CURSORS.test(name) && !file.endsWith('vectors.db'))
    .filter((name) => wanted.tables[name] !== found.tables[name])
    .map((name) => `${name}, as it lies, is wrong at ${upto}`);
  const known = new Map((wanted.items.get(file) ?? []).map((item) => [item.id, item]));
  const items = found.items.get(file) ?? [];
  const other = items.find(({ id, item, vector }) => {
    const right = known.get(id);
    return right?.item !== item || (vector !== null && vector !== right.vector);
  });
  if (other !== undefined) wrong.push(`${file}, as it lies, is wrong at ${upto}: ${other.id}`);
  if (file.endsWith('vectors.db') && items.length !== known.size)
    wrong.push(`${file}, as it lies, has ${items.length} items at ${upto}, not ${known.size}`);
  return wrong;
}

/**
 * What differs from views made from scratch. A file that those do not have was given nothing, as gateway.db says, which is
 * compared too: its rows are lost with a `normal` journal, nobody reads it, and the next row for it makes it anew.
 */
function differences(dir: string, wanted: Content): readonly string[] {
  const given = (file: string): boolean =>
    wanted.items.has(file) || Object.keys(wanted.tables).some((table) => table.startsWith(`${file} `));
  const [tables, items] = [tablesOf(dir, given), itemsOf(dir, given)];
  const names = new Set([...Object.keys(tables), ...Object.keys(wanted.tables)]);
  return [
    ...[...names].filter((name) => tables[name] !== wanted.tables[name]),
    ...[...wanted.items.keys()].filter(
      (file) => JSON.stringify(items.get(file)) !== JSON.stringify(wanted.items.get(file)),
    ),
  ].map((name) => `${name} is not as made from scratch`);
}
