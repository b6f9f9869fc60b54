// SPDX-License-Identifier: Apache-2.0
// The skills of a running gateway, on its main thread: read behind everything else, watched, and told to the lanes on change.

import { hash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';
import { keepLastGood, type PlaceEntry, type PlaceScan, skillsOf } from '../../agent/skills/resolve.ts';
import { NO_SKILLS, SHARED, SKILL_MOST, type SkillPlace, type SkillSet } from '../../agent/skills/skill.ts';
import { toFailure } from '../../errors.ts';
import type { World } from '../../world.ts';
import type { LogLevel } from '../boot.ts';
import { folderOf, hasFolder, workspacesWithFiles } from './folders.ts';
import type { SkillWork } from './work.ts';

export interface SkillShelfOptions {
  readonly dataDir: string;
  readonly work: SkillWork;
  readonly world: Pick<World, 'after' | 'monotonic'>;
  /** `workspaces.<id>.skills`. */
  readonly named: (workspace: string) => readonly string[] | undefined;
  /** The configured workspaces. */
  readonly workspaces: readonly string[];
  readonly log: (level: LogLevel, fields: Readonly<Record<string, unknown>>, message: string) => void;
  /** Told of a workspace that has something else now. */
  readonly changed: (workspace: string, set: SkillSet) => void;
}

/** What is watched at most, in folders; what is beyond is looked at in turn. */
const WATCHED_MOST = 1_024;
/** Places with skills at most. */
const PLACES_MOST = 1_024;
/** An editor writes, renames and writes again: one change, once nothing more comes for this long. Milliseconds. */
const QUIET_MS = 150;
const QUIET_MOST = 2_000;
/**
 * How often it is looked for new folders in milliseconds, that much more for each workspace there is, and how many places
 * are asked each time.
 */
const LOOK_MS = { least: 3_000, each: 0.2 } as const;
const LOOK_PLACES = 200;

interface Kept {
  scan: PlaceScan;
  /** Folders of this place that are watched, by path. */
  readonly watched: Map<string, FSWatcher>;
  /** Not all of its folders are watched. */
  blind: boolean;
  /** Calls the reading off that is due, and since when one is. */
  due: (() => void) | null;
  since: number;
  /** The reading that is under way, and whether another must follow. */
  reading: Promise<void> | null;
  again: boolean;
}

export class SkillShelf {
  readonly #options: SkillShelfOptions;
  readonly #places = new Map<SkillPlace, Kept>();
  readonly #sets = new Map<string, SkillSet>();
  /** What was told last, and how much it is. */
  readonly #told = new Map<string, { readonly print: string; readonly size: number }>();
  #watching = 0;
  #stopped = false;
  #stopLooking: () => void = () => undefined;
  #next = 0;
  #toldOfBlindness = false;

  constructor(options: SkillShelfOptions) {
    this.#options = options;
  }

  /**
   * Reads what is shared and what configured workspaces have, and goes on with everybody's own; what cannot be read is logged.
   */
  async start(): Promise<void> {
    const { dataDir, workspaces } = this.#options;
    const open = async (place: SkillPlace): Promise<void> => {
      if (!this.#stopped && (await hasFolder(dataDir, place))) await this.#open(place);
    };
    for (const place of [SHARED, ...workspaces]) await open(place);
    for (const id of workspaces) this.#tell(id);
    const others = async (): Promise<void> => {
      for (const id of await workspacesWithFiles(dataDir)) await open(id);
    };
    void others().finally(() => this.#look(LOOK_MS.least));
  }

  stop(): void {
    this.#stopped = true;
    this.#stopLooking();
    for (const kept of this.#places.values()) this.#unwatch(kept);
  }

  /** What every workspace has that has something. */
  all(): ReadonlyMap<string, SkillSet> {
    return new Map(this.#sets);
  }

  /** A place's skills as its files are now, the broken ones as they were. */
  async fresh(place: SkillPlace): Promise<SkillSet> {
    if (place !== SHARED) await this.#refresh(SHARED);
    await this.#refresh(place);
    for (const { to } of linksOf(this.#places.get(place)?.scan)) await this.#refresh(to);
    return this.#setOf(place);
  }

  /** Something was put there, or taken away. */
  async #refresh(place: SkillPlace): Promise<void> {
    if (this.#places.has(place)) await this.#read(place);
    else if (await hasFolder(this.#options.dataDir, place)) await this.#open(place);
  }

  /** Places in which a link leads to a skill. */
  linksTo(place: SkillPlace, name: string): readonly SkillPlace[] {
    return [...this.#places].flatMap(([from, { scan }]) =>
      linksOf(scan).some((link) => link.name === name && link.to === place) ? [from] : [],
    );
  }

  async #open(place: SkillPlace): Promise<void> {
    if (this.#places.has(place) || this.#stopped) return;
    if (this.#places.size >= PLACES_MOST) {
      this.#options.log(
        'error',
        { place, most: PLACES_MOST },
        'there are skills in too many places: these are not read',
      );
      return;
    }
    const scan: PlaceScan = { entries: [], print: '' };
    const kept: Kept = {
      ...{ scan, watched: new Map(), blind: false, due: null, since: 0, reading: null, again: false },
    };
    this.#places.set(place, kept);
    await this.#options.work({ do: 'tidy', folder: this.#folder(place) }).catch(() => undefined);
    // Watched before it is read: what changes meanwhile is read again.
    this.#watch(place, kept, this.#folder(place));
    await this.#read(place);
  }

  #folder(place: SkillPlace): string {
    return folderOf(this.#options.dataDir, place);
  }

  /** Reads a place; who asks while it is being read gets the reading after that. */
  async #read(place: SkillPlace): Promise<void> {
    const kept = this.#places.get(place);
    if (kept === undefined || this.#stopped) return;
    if (kept.reading !== null) {
      kept.again = true;
      await kept.reading;
      return;
    }
    kept.reading = this.#readNow(place, kept);
    await kept.reading;
  }

  async #readNow(place: SkillPlace, kept: Kept): Promise<void> {
    try {
      do {
        kept.again = false;
        const scan = await this.#options.work({ do: 'scan', folder: this.#folder(place) });
        if (this.#stopped) return;
        this.#took(place, kept, scan);
      } while (kept.again);
    } catch (thrown) {
      this.#options.log(
        'error',
        { place, error: toFailure(thrown) },
        'skills cannot be read; those known before go on',
      );
    } finally {
      kept.reading = null;
    }
  }

  #took(place: SkillPlace, kept: Kept, scan: PlaceScan): void {
    const before = kept.scan;
    // No print: there is no such folder any more. One that is made anew is found as any other.
    if (scan.print === '') {
      this.#unwatch(kept);
      this.#places.delete(place);
    } else if (this.#watchFolders(place, kept, scan) > 0) kept.again = true;
    if (scan.print === before.print) return;
    kept.scan = keepLastGood(before, scan);
    this.#complain(place, before, kept.scan);
    if (place !== SHARED) this.#tell(place);
    for (const [other, { scan: its }] of this.#places)
      if (other !== place && other !== SHARED && (place === SHARED || linksOf(its).some(({ to }) => to === place)))
        this.#tell(other);
    // A workspace may be given shared ones and have no folder of its own.
    if (place === SHARED) for (const id of this.#options.workspaces) if (!this.#places.has(id)) this.#tell(id);
  }

  /** What is broken is said once for each way in which it is. */
  #complain(place: SkillPlace, before: PlaceScan, now: PlaceScan): void {
    const known = new Set(before.entries.map((entry) => ('message' in entry ? `${entry.name}\n${entry.message}` : '')));
    for (const entry of now.entries) {
      if (!('message' in entry) || known.has(`${entry.name}\n${entry.message}`)) continue;
      const goesOn = entry.kind === 'broken' && entry.before !== undefined;
      const message = goesOn ? 'a skill is broken; what it said before goes on' : 'a skill is left out';
      this.#options.log('warn', { place, skill: entry.name, why: entry.message }, message);
    }
  }

  #setOf(place: SkillPlace): SkillSet {
    const named = place === SHARED ? undefined : this.#options.named(place);
    return skillsOf(place, named, (of) => this.#places.get(of)?.scan);
  }

  #tell(workspace: string): void {
    const set = this.#setOf(workspace);
    const text = JSON.stringify([set.skills, set.problems]);
    const told = { print: hash('sha256', text, 'base64url'), size: text.length };
    if (this.#told.get(workspace)?.print === told.print) return;
    const others = [...this.#told].reduce((sum, [id, { size }]) => sum + (id === workspace ? 0 : size), 0);
    if (others + told.size > SKILL_MOST.everywhere && set.skills.length > 0) {
      const says = 'the skills of all workspaces are too much: those of this one stay as they were';
      this.#options.log('error', { workspace, most: SKILL_MOST.everywhere }, says);
      return;
    }
    const empty = set.skills.length === 0 && set.problems.length === 0;
    if (empty && !this.#told.has(workspace)) return;
    if (empty) {
      this.#told.delete(workspace);
      this.#sets.delete(workspace);
    } else {
      this.#told.set(workspace, told);
      this.#sets.set(workspace, set);
    }
    this.#options.changed(workspace, empty ? NO_SKILLS : set);
  }

  // Watching.

  /** Watches the folders there are now, and no others. How many are new: what changed in them meanwhile nobody has seen. */
  #watchFolders(place: SkillPlace, kept: Kept, scan: PlaceScan): number {
    const folder = this.#folder(place);
    const wanted = new Set([folder]);
    for (const entry of scan.entries) if (entry.kind !== 'link') wanted.add(join(folder, entry.name));
    for (const path of kept.watched.keys()) if (!wanted.has(path)) this.#let(kept, path);
    kept.blind = false;
    let made = 0;
    for (const path of wanted) if (!kept.watched.has(path) && this.#watch(place, kept, path)) made += 1;
    return made;
  }

  #watch(place: SkillPlace, kept: Kept, path: string): boolean {
    const blind = (why: string): false => {
      kept.blind = true;
      if (this.#toldOfBlindness) return false;
      this.#toldOfBlindness = true;
      this.#options.log('warn', { path, why }, 'not all skills can be watched: their changes are seen after a while');
      return false;
    };
    if (this.#watching >= WATCHED_MOST) return blind(`${WATCHED_MOST} folders are watched already`);
    try {
      const top = path === this.#folder(place);
      const watcher = watch(path, { persistent: false }, (_, file) => {
        if (file !== null && !isAbout(top, file)) return;
        // What has that name now may be another folder than the one that is watched.
        if (top && file !== null) this.#let(kept, join(path, file));
        this.#stirred(place);
      });
      watcher.on('error', () => {
        // Its folder is gone, or the system gives no more of it.
        if (kept.watched.get(path) !== watcher) return;
        this.#let(kept, path);
        this.#stirred(place);
      });
      kept.watched.set(path, watcher);
      this.#watching += 1;
      return true;
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException;
      // Gone since it was read, or no folder: the one above says so.
      return code === 'ENOENT' || code === 'ENOTDIR' ? false : blind(code ?? 'unknown');
    }
  }

  #let(kept: Kept, path: string): void {
    const watcher = kept.watched.get(path);
    if (watcher === undefined) return;
    watcher.close();
    kept.watched.delete(path);
    this.#watching -= 1;
  }

  #unwatch(kept: Kept): void {
    kept.due?.();
    kept.due = null;
    for (const path of [...kept.watched.keys()]) this.#let(kept, path);
  }

  /** Something has changed there: it is read once nothing more comes, and in any case before long. */
  #stirred(place: SkillPlace): void {
    const kept = this.#places.get(place);
    if (kept === undefined || this.#stopped) return;
    const { after, monotonic } = this.#options.world;
    if (kept.due === null) kept.since = monotonic();
    else if (monotonic() - kept.since > QUIET_MOST) return;
    kept.due?.();
    kept.due = after(QUIET_MS, () => {
      kept.due = null;
      void this.#read(place);
    });
  }

  /** Folders that came to be, and places that are not watched, are looked for now and then, a few at a time. */
  #look(wait: number): void {
    if (this.#stopped) return;
    this.#stopLooking = this.#options.world.after(wait, () => {
      void this.#looked().then((places) => this.#look(LOOK_MS.least + places * LOOK_MS.each));
    });
  }

  async #looked(): Promise<number> {
    const { dataDir, workspaces } = this.#options;
    const known = [SHARED, ...new Set([...workspaces, ...(await workspacesWithFiles(dataDir))])];
    for (let count = 0; count < Math.min(LOOK_PLACES, known.length) && !this.#stopped; count += 1) {
      this.#next = (this.#next + 1) % known.length;
      const place = known[this.#next] ?? SHARED;
      const kept = this.#places.get(place);
      if (kept?.blind === true) await this.#read(place);
      else if (kept === undefined && (await hasFolder(dataDir, place))) await this.#open(place);
    }
    return known.length;
  }
}

/** Whether a change of a file may mean another skill: in a place every name but hidden ones, in a skill its own file. */
function isAbout(top: boolean, file: string): boolean {
  return top ? !file.startsWith('.') : /^skill\.md$/i.test(file);
}

function linksOf(scan: PlaceScan | undefined): readonly Extract<PlaceEntry, { kind: 'link' }>[] {
  return (scan?.entries ?? []).flatMap((entry) => (entry.kind === 'link' ? [entry] : []));
}
