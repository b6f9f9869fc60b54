// SPDX-License-Identifier: Apache-2.0
// Kills during all that works on the data itself, and after each: every view table by table against one made from scratch.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Database from 'better-sqlite3';
import { DATA_POINTS } from '../../src/composition/kill-points.ts';
import { readArchive } from '../../src/stores/sqlite/backup/read-archive.ts';
import { tidyDataDir } from '../../src/stores/sqlite/backup/replace.ts';
import { catchUpViews } from '../../src/stores/sqlite/catch-up.ts';
import { checkBeforeStart } from '../../src/stores/sqlite/start-check.ts';
import { chance } from '../stores/session-log.ts';
import { asOlderSessions } from '../stores/store-house.ts';
import { Shadow } from './shadow.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(`Usage: npm run test:stores -- [--kills N] [--seed S] [--keep]

  --kills N   kills in all (200), in turns during projection, migration, retention, backup and restore
  --seed S    draws the same kills again
  --keep      keeps the data of what went wrong`);
  process.exit(0);
}

const LIFE = fileURLToPath(new URL('life.ts', import.meta.url));
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const seed = Number(values.seed);
const random = chance(seed);

/** What is killed. A re-embedding of vectors belongs here once there is one: a life that embeds, and its own comparison. */
const KINDS = ['projection', 'retention', 'backup', 'restore', 'migration'] as const;
type Kind = (typeof KINDS)[number];

/** Two directories: one is trimmed and restored, one never, for a migration may need every row again. */
interface Place {
  readonly dir: string;
  readonly shadow: Shadow;
  life: number;
}

const scratch = mkdtempSync(join(tmpdir(), 'sigil-kills-'));
const place = (name: string): Place => {
  const dir = join(scratch, name);
  mkdirSync(dir, { mode: 0o700 });
  return { dir, shadow: new Shadow(), life: 0 };
};
const places = { trimmed: place('trimmed'), whole: place('whole') };
const backupFile = join(scratch, 'backup.tar.gz');
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

interface Ended {
  readonly killed: boolean;
  readonly code: number | null;
  readonly errors: string;
}

/** Starts a process and kills it after a while, or lets it end by itself; `ready`: the while begins with its first word. */
async function live(
  args: readonly string[],
  ms: number,
  ready: boolean,
  env: Record<string, string> = {},
): Promise<Ended> {
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-2_000);
  });
  const gone = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  if (ready) await Promise.race([new Promise((resolve) => child.stdout.once('data', resolve)), gone]);
  else child.stdout.resume();
  await Promise.race([sleep(ms), gone]);
  child.kill('SIGKILL');
  const code = await gone;
  running.delete(child);
  return { killed: code === null, code, errors };
}

const problems: string[] = [];
const kills: Record<Kind, number> = { projection: 0, migration: 0, retention: 0, backup: 0, restore: 0 };
let trimmed = 0;
let restored = 0;

const write = async (at: Place, mode: 'write' | 'trim', ms: number): Promise<Ended> => {
  at.life += 1;
  return await live([LIFE, at.dir, mode, String(at.life)], ms, true);
};

/** The command line over a directory, killed at a moment or at a named place. */
async function command(args: readonly string[], dir: string, kind: 'backup' | 'restore'): Promise<Ended> {
  const named = DATA_POINTS.filter((name) => name.startsWith(`${kind}.`));
  const point = named[Math.floor(random() * named.length)];
  const at_point = random() < 0.5;
  const env = { SIGIL_CONFIG: '', ...(at_point ? { SIGIL_KILL_AT: `${point}:${1 + Math.floor(random() * 3)}` } : {}) };
  return await live([MAIN, ...args, '--data-dir', dir], at_point ? 30_000 : 150 + random() * 450, false, env);
}

/** A file as the version before wrote it: without the columns the newest step adds. */
function older(dir: string): void {
  const spaces = join(dir, 'workspaces');
  for (const name of existsSync(spaces) ? readdirSync(spaces) : []) {
    asOlderSessions(join(spaces, name, 'sessions.db'));
  }
}

async function kill(kind: Kind): Promise<Ended> {
  const { trimmed: place, whole } = places;
  switch (kind) {
    case 'projection':
      return await write(place, 'write', 5 + random() * 400);
    case 'retention':
      return await write(place, 'trim', 300 + random() * 1_200);
    case 'backup': {
      const ended = await command(['backup', 'create', backupFile, '--force'], place.dir, 'backup');
      // Under its own name is a whole one or none.
      if (existsSync(backupFile)) await readArchive({ file: backupFile });
      return ended;
    }
    case 'restore': {
      if (!existsSync(backupFile)) {
        const made = await live([MAIN, 'backup', 'create', backupFile, '--data-dir', place.dir], 60_000, false);
        if (made.code !== 0) throw new Error(`no backup: ${made.errors}`);
      }
      return await command(['backup', 'restore', backupFile], place.dir, 'restore');
    }
    case 'migration':
      await write(whole, 'write', 20 + random() * 60);
      await recover(whole, 'before a migration');
      older(whole.dir);
      return await live([LIFE, whole.dir, 'open', '0'], 1 + random() * 120, true);
    default:
      return kind satisfies never;
  }
}

/** What a start does, and everything that must hold after it. */
async function recover(at: Place, what: string): Promise<void> {
  tidyDataDir(at.dir);
  for (const failure of checkBeforeStart(at.dir)) problems.push(`${what}: ${failure.message}`);
  await catchUpViews({ dataDir: at.dir });
  const left = readdirSync(at.dir).filter((name) => name.startsWith('.') || name.endsWith('.damaged'));
  for (const name of left) problems.push(`${what}: ${name} is left`);
}

/** Whether the directory was put back to the backup; then what came after it is no more. */
async function putBack(at: Place): Promise<boolean> {
  const { journal } = await readArchive({ file: backupFile });
  const db = new Database(join(at.dir, 'journal.db'), { readonly: true });
  const last = Number(db.prepare('SELECT max(seq) FROM records').pluck().get());
  db.close();
  if (last !== journal.last || last === at.shadow.last) return false;
  at.shadow.back(last);
  return true;
}

/** Rows the journal had before this life and has not any more. */
function goneFrom(at: Place): number {
  const db = new Database(join(at.dir, 'journal.db'), { readonly: true });
  try {
    const count = db
      .prepare<[number], number>('SELECT count(*) FROM records WHERE seq <= ?')
      .pluck()
      .get(at.shadow.last);
    return at.shadow.size - (count ?? 0);
  } finally {
    db.close();
  }
}

console.log(`kills over data, seed ${seed}: run again with --seed ${seed}`);
const total = Number(values.kills);
await write(places.trimmed, 'write', 1_000);
await recover(places.trimmed, 'first');
places.trimmed.shadow.note(places.trimmed.dir);
for (let round = 0; round < total && problems.length === 0; round++) {
  const kind = KINDS[round % KINDS.length] ?? 'projection';
  const what = `${kind}, kill ${round + 1}`;
  const at = kind === 'migration' ? places.whole : places.trimmed;
  try {
    // A command that ended in time was not killed; it is no kill, and what it did is looked at all the same.
    if ((await kill(kind)).killed) kills[kind] += 1;
    tidyDataDir(at.dir);
    if (kind === 'restore' && (await putBack(at))) restored += 1;
    await recover(at, what);
    if (kind === 'retention') trimmed += goneFrom(at);
    for (const problem of at.shadow.note(at.dir)) problems.push(`${what}: ${problem}`);
    for (const table of await at.shadow.compare(at.dir)) problems.push(`${what}: ${table} is not as made from scratch`);
  } catch (thrown) {
    problems.push(`${what}: ${thrown instanceof Error ? thrown.stack : String(thrown)}`);
  }
  // Nothing grows with the number of kills.
  if (at.shadow.size > 30_000) {
    rmSync(at.dir, { recursive: true, force: true });
    rmSync(backupFile, { force: true });
    const fresh = place(`${kind}-${round}`);
    if (kind === 'migration') places.whole = fresh;
    else places.trimmed = fresh;
    await write(fresh, 'write', 1_000);
    await recover(fresh, 'anew');
    fresh.shadow.note(fresh.dir);
  }
}
if (kills.retention > 1 && trimmed === 0) problems.push('nothing was ever trimmed, so its kills say nothing');
const sum = Object.values(kills).reduce((all, one) => all + one, 0);
const parts = Object.entries(kills).map(([kind, count]) => `${count} in ${kind}`);
console.log(`${sum} kills (${parts.join(', ')}); ${trimmed} rows trimmed, ${restored} restores took effect after all`);
for (const problem of problems.slice(0, 20)) console.log(`  PROBLEM ${problem}`);
if (problems.length > 0 && values.keep) console.log(`  data kept in ${scratch}`);
else rmSync(scratch, { recursive: true, force: true });
console.log(problems.length === 0 ? 'every view was as made from scratch' : `${problems.length} problems`);
process.exit(problems.length === 0 ? 0 : 1);
