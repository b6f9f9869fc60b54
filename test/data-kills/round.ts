// SPDX-License-Identifier: Apache-2.0
// A round of kills over fresh data: each kind so many times, and after every kill all that must hold.

import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DATA_POINTS, KILL_POINTS } from '../../src/composition/kill-points.ts';
import { readArchive } from '../../src/stores/sqlite/backup/read-archive.ts';
import { tidyDataDir } from '../../src/stores/sqlite/backup/replace.ts';
import { SESSIONS_MIGRATIONS } from '../../src/stores/sqlite/sessions-schema.ts';
import { MAIN } from '../built.ts';
import { chance } from '../stores/session-log.ts';
import { asOlderSessions } from '../stores/store-house.ts';
import { type Figures, type Kind, noFigures } from './figures.ts';
import { recover } from './follow.ts';
import { MODELS } from './models.ts';
import { Place } from './place.ts';
import { KnownVectors, unfinished } from './re-embedding.ts';
import { type Ended, kill } from './victim.ts';

export interface RoundOptions {
  readonly seed: number;
  /** Kills of each kind. */
  readonly each: number;
  readonly kinds: readonly Kind[];
  readonly keep: boolean;
}

export interface Round {
  readonly figures: Figures;
  readonly problems: readonly string[];
  /** Where the data of what went wrong is kept; null when it is not. */
  readonly kept: string | null;
}

const LIFE = fileURLToPath(new URL('life.ts', import.meta.url));
/** Tries for one kill: a process may be done before it comes. */
const TRIES = 8;
/** Places a backup or a restore passes only once. */
const ONCE = /before_manifest|unpacked|checked|prepared|decided|done/;

/** Everything of a round is its own, so that nothing grows with the number of kills. */
class Playing {
  readonly scratch = mkdtempSync(join(tmpdir(), 'sigil-kills-'));
  readonly figures = noFigures();
  readonly problems: string[] = [];
  readonly #random: () => number;
  readonly #backup = join(this.scratch, 'backup.tar.gz');
  /** One is trimmed and restored; one never, for a migration may need every row again; one has vectors. */
  readonly #trimmed = new Place(this.scratch, 'trimmed');
  readonly #whole = new Place(this.scratch, 'whole');
  readonly #embedded = new Place(this.scratch, 'embedded', MODELS[0]);
  readonly #known: KnownVectors;

  constructor(seed: number) {
    this.#random = chance(seed);
    this.#known = new KnownVectors(this.#random);
  }

  begin(): void {
    this.problems.push(...this.#trimmed.grow(5, 3), ...this.#whole.grow(5, 3), ...this.#embedded.grow(2, 110));
  }

  /** One kill of a kind, with what must hold after it; attempts until one is. */
  async killOnce(kind: Kind, number: number): Promise<void> {
    for (let attempt = 1; attempt <= TRIES && this.problems.length === 0; attempt += 1) {
      const what = `${kind}, kill ${number}`;
      try {
        if (await this.#attempt(kind, (problem) => void this.problems.push(`${what}: ${problem}`))) return;
      } catch (thrown) {
        this.problems.push(`${what}: ${thrown instanceof Error ? thrown.stack : String(thrown)}`);
      }
    }
    if (this.problems.length === 0) this.problems.push(`${kind}: it was done before the kill, ${TRIES} times`);
  }

  async #attempt(kind: Kind, problem: (text: string) => void): Promise<boolean> {
    const at = kind === 'migration' ? this.#whole : kind === 're-embedding' ? this.#embedded : this.#trimmed;
    if (kind === 're-embedding') return await this.#reembed(at, problem);
    const { killed } = await this.#do(kind, at);
    const open = killed && this.#unfinished(kind, at);
    tidyDataDir(at.dir);
    if (kind === 'restore' && (await this.#putBack(at))) this.figures.restored += 1;
    if (kind === 'retention') this.figures.trimmed += at.shadow.goneFrom(at.dir);
    this.#compare(at, problem);
    // What it did is looked at all the same.
    if (killed) this.figures.kills[kind] += 1;
    if (open) this.figures.unfinished[kind] += 1;
    return killed;
  }

  async #do(kind: Exclude<Kind, 're-embedding'>, at: Place): Promise<Ended> {
    const random = this.#random;
    switch (kind) {
      case 'projection': {
        const point = this.#sometimes(/^(?:views|memory)\./, 6);
        return await kill([LIFE, at.dir, 'write', at.nextLife()], {
          said: ['alive', 1],
          ms: 5 + random() * 250,
          point,
        });
      }
      case 'retention': {
        const point = this.#sometimes(/^journal\.trimmed/, 3);
        return await kill([LIFE, at.dir, 'trim', at.nextLife()], {
          said: ['alive', 1],
          ms: 40 + random() * 400,
          point,
        });
      }
      case 'backup': {
        const ended = await this.#command(['backup', 'create', this.#backup, '--force'], at, 'backup');
        // Under its own name is a whole one or none.
        if (existsSync(this.#backup)) await readArchive({ file: this.#backup });
        return ended;
      }
      case 'restore': {
        if (!existsSync(this.#backup)) {
          const args = [MAIN, 'backup', 'create', this.#backup, '--data-dir', at.dir];
          const made = await kill(args, { ms: 60_000 });
          if (made.code !== 0) throw new Error(`no backup: ${made.errors}`);
        }
        return await this.#command(['backup', 'restore', this.#backup], at, 'restore');
      }
      case 'migration':
        this.problems.push(...at.grow(5, 2));
        older(at.dir);
        return await kill([LIFE, at.dir, 'open', '0'], { said: ['alive', 1], ms: random() ** 2 * 100 });
      default:
        return kind satisfies never;
    }
  }

  /** A named place, as often as not; then the time is only for when it is not passed. */
  #sometimes(places: RegExp, times: number): string | undefined {
    const named = [...KILL_POINTS, ...DATA_POINTS].filter((name) => places.test(name));
    const name = named[Math.floor(this.#random() * named.length)];
    const nth = 1 + Math.floor(this.#random() * times);
    return this.#random() < 0.5 && name !== undefined ? `${name}:${ONCE.test(name) ? 1 : nth}` : undefined;
  }

  /** The command line over a directory, killed at a moment or at a named place. */
  async #command(args: readonly string[], { dir }: Place, kind: 'backup' | 'restore'): Promise<Ended> {
    const point = this.#sometimes(new RegExp(`^${kind}\\.`), 3);
    const ms = point === undefined ? 100 + this.#random() * 500 : 30_000;
    return await kill([MAIN, ...args, '--data-dir', dir], { ms, point });
  }

  /** Whether the next start has something to finish or to forget. */
  #unfinished(kind: Kind, at: Place): boolean {
    if (kind === 'backup') return existsSync(join(at.dir, '.backup'));
    if (kind === 'restore') return existsSync(join(at.dir, '.restore'));
    if (kind === 'retention') return at.shadow.goneFrom(at.dir) > 0;
    if (kind !== 'migration') return at.behind();
    return sessionFiles(at.dir).some((file) => {
      const version = at.ask<number>(file, 'SELECT user_version FROM pragma_user_version');
      return (version ?? 0) < SESSIONS_MIGRATIONS.length;
    });
  }

  /** What a start does, what must not be left after it, and everything held against what is made from scratch. */
  #compare(at: Place, problem: (text: string) => void): void {
    for (const text of recover(at.dir, { model: at.model })) problem(text);
    const left = readdirSync(at.dir).filter((name) => name.startsWith('.') || name.endsWith('.damaged'));
    for (const name of left) problem(`${name} is left`);
    for (const text of at.shadow.note(at.dir)) problem(text);
    for (const text of at.shadow.compare(at.dir, at.model)) problem(text);
    this.figures.rows += at.shadow.size;
  }

  /** Whether the directory was put back to the backup; then what came after it is no more. */
  async #putBack(at: Place): Promise<boolean> {
    const { journal } = await readArchive({ file: this.#backup });
    const last = at.ask<number>('journal.db', 'SELECT max(seq) FROM records');
    if (last !== journal.last || last === at.shadow.last) return false;
    at.shadow.back(last);
    return true;
  }

  /** Another model, killed between any two of its batches or in one; then the same again, or back to the one before. */
  async #reembed(at: Place, problem: (text: string) => void): Promise<boolean> {
    const random = this.#random;
    const from = at.model;
    const to = MODELS.find((model) => model !== from);
    if (from === undefined || to === undefined) throw new Error('there are two models');
    const batches = this.#known.note(at);
    const nth = Math.floor(random() * (batches + 1));
    const ended = await kill([LIFE, at.dir, 'embed', at.nextLife(), to.name], {
      said: nth === 0 ? ['alive', 1] : ['filled', nth],
      ms: random() * (nth === 0 ? 150 : 12),
    });
    if (!ended.killed) throw new Error(`it ended by itself: ${ended.errors}`);
    const open = unfinished(at, to);
    for (const text of this.#known.problems(at.dir, from, to)) problem(text);
    const next = random() < 0.75 ? to : from;
    at.model = next;
    const taken_over = new Set<string>();
    const filling = (workspace: string, done: boolean): void => {
      if (done) taken_over.add(workspace);
      for (const text of this.#known.problems(at.dir, from, to, workspace, taken_over.has(workspace))) problem(text);
    };
    for (const text of recover(at.dir, { model: next, filling })) problem(text);
    for (const text of this.#known.problems(at.dir, from, next, undefined, true)) problem(text);
    this.#compare(at, problem);
    if (open) this.figures.kills['re-embedding'] += 1;
    if (open) this.figures.unfinished['re-embedding'] += 1;
    return open;
  }
}

function sessionFiles(dir: string): readonly string[] {
  const spaces = readdirSync(join(dir, 'workspaces')).map((name) => join('workspaces', name, 'sessions.db'));
  return spaces.filter((file) => existsSync(join(dir, file)));
}

/** Files as the version before wrote them. */
function older(dir: string): void {
  for (const file of sessionFiles(dir)) asOlderSessions(join(dir, file));
}

/** Plays a round: every kind in turn, until each has had its kills or something went wrong. */
export async function playRound({ seed, each, kinds, keep }: RoundOptions): Promise<Round> {
  const playing = new Playing(seed);
  const { figures, problems, scratch } = playing;
  playing.begin();
  for (let number = 1; number <= each; number += 1)
    for (const kind of kinds) if (problems.length === 0) await playing.killOnce(kind, number);
  if (figures.kills.retention > 4 && figures.trimmed === 0)
    problems.push('nothing was ever trimmed, so its kills say nothing');
  figures.problems = problems.length;
  const kept = problems.length > 0 && keep ? scratch : null;
  if (kept === null) rmSync(scratch, { recursive: true, force: true });
  return { figures, problems, kept };
}
