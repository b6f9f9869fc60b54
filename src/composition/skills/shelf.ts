// SPDX-License-Identifier: Apache-2.0
// The skills of a running gateway, on its main thread: read behind everything else, watched, and told to the lanes on change.

import { hash } from 'node:crypto';
import { keepLastGood, type PlaceEntry, type PlaceScan, skillsOf } from '../../agent/skills/resolve.ts';
import { NO_SKILLS, SHARED, SKILL_MOST, type SkillPlace, type SkillSet } from '../../agent/skills/skill.ts';
import { toFailure } from '../../errors.ts';
import type { World } from '../../world.ts';
import type { LogLevel } from '../boot.ts';
import { FolderWatches } from './folder-watches.ts';
import { folderIdentity, folderOf, hasFolder, workspacesWithFiles } from './folders.ts';
import type { SkillWork } from './work.ts';

export interface SkillShelfOptions {
  readonly dataDir: string;
  readonly work: SkillWork;
  readonly world: Pick<World, 'after' | 'monotonic'>;
  /** `workspaces.<id>.skills`. */
  readonly named: (workspace: string) => readonly string[] | undefined;
  /** The configured workspaces. */
  readonly workspaces: () => readonly string[];
  readonly log: (level: LogLevel, fields: Readonly<Record<string, unknown>>, message: string) => void;
  /** Told of a workspace that has something else now. */
  readonly changed: (workspace: string, set: SkillSet) => void;
}

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
  /** Which folder it is, see {@link folderIdentity}. */
  folder: string | undefined;
  scan: PlaceScan;
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
  readonly #watches: FolderWatches;
  readonly #sets = new Map<string, SkillSet>();
  /** What was told last, and how much it is. */
  readonly #told = new Map<string, { readonly print: string; readonly size: number }>();
  #stopped = false;
  #stopLooking: () => void = () => undefined;
  #next = 0;
  #toldOfMany = false;

  constructor(options: SkillShelfOptions) {
    this.#options = options;
    const says = 'not all skills can be watched: their changes are seen after a while';
    this.#watches = new FolderWatches(
      (place) => this.#stirred(place),
      (path, why) => options.log('warn', { path, why }, says),
    );
  }

  /**
   * Reads what is shared and what configured workspaces have, and goes on with everybody's own; what cannot be read is logged.
   */
  async start(): Promise<void> {
    const { dataDir } = this.#options;
    const workspaces = this.#options.workspaces();
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

  /** Workspaces came into the configuration, went, or may be given other skills: folders that are new are found by looking. */
  follow(): void {
    for (const id of new Set([...this.#options.workspaces(), ...this.#told.keys()])) this.#tell(id);
  }

  stop(): void {
    this.#stopped = true;
    this.#stopLooking();
    for (const kept of this.#places.values()) kept.due?.();
    this.#watches.stop();
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
      const says = 'there are skills in too many places: those of this one and of others are not read';
      if (!this.#toldOfMany) this.#options.log('error', { place, most: PLACES_MOST }, says);
      this.#toldOfMany = true;
      return;
    }
    const scan: PlaceScan = { entries: [], print: '' };
    const kept: Kept = {
      ...{ folder: undefined, scan, due: null, since: 0, reading: null, again: false },
    };
    this.#places.set(place, kept);
    await this.#options.work({ do: 'tidy', folder: this.#folder(place) }).catch(() => undefined);
    kept.folder = await folderIdentity(this.#options.dataDir, place);
    // Watched before it is read: what changes meanwhile is read again.
    this.#watches.watch(place, this.#folder(place), []);
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
      kept.due?.();
      this.#watches.end(place);
      this.#places.delete(place);
    } else if (this.#watches.watch(place, this.#folder(place), foldersOf(scan)) > 0) kept.again = true;
    if (scan.print === before.print) return;
    kept.scan = keepLastGood(before, scan);
    this.#complain(place, before, kept.scan);
    if (place !== SHARED) this.#tell(place);
    for (const [other, { scan: its }] of this.#places)
      if (other !== place && other !== SHARED && (place === SHARED || linksOf(its).some(({ to }) => to === place)))
        this.#tell(other);
    // A workspace may be given shared ones and have no folder of its own.
    if (place === SHARED) for (const id of this.#options.workspaces()) if (!this.#places.has(id)) this.#tell(id);
  }

  /** What is broken is said once for each way in which it is. */
  #complain(place: SkillPlace, before: PlaceScan, now: PlaceScan): void {
    const known = new Set(before.entries.map((entry) => ('message' in entry ? `${entry.name}\n${entry.message}` : '')));
    for (const entry of now.entries) {
      if (!('message' in entry) || known.has(`${entry.name}\n${entry.message}`)) continue;
      const goesOn = entry.kind === 'broken' && entry.before !== undefined;
      const message = goesOn ? 'a skill is broken; what it said before goes on' : 'a skill is left out';
      this.#options.log(
        'warn',
        { place, ...(place === SHARED ? {} : { workspace_id: place }), skill: entry.name, why: entry.message },
        message,
      );
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
      this.#options.log('error', { workspace_id: workspace, most: SKILL_MOST.everywhere }, says);
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
    const known = [SHARED, ...new Set([...workspaces(), ...(await workspacesWithFiles(dataDir))])];
    for (let count = 0; count < Math.min(LOOK_PLACES, known.length) && !this.#stopped; count += 1) {
      this.#next = (this.#next + 1) % known.length;
      const place = known[this.#next] ?? SHARED;
      const kept = this.#places.get(place);
      const folder = await folderIdentity(dataDir, place);
      if (kept === undefined) {
        if (folder !== undefined) await this.#open(place);
      } else if (folder !== kept.folder) {
        // What is watched lies somewhere else now, or nowhere.
        kept.folder = folder;
        this.#watches.end(place);
        await this.#read(place);
      } else if (this.#watches.isBlind(place)) await this.#read(place);
    }
    return known.length;
  }
}

/** Names of what may be a folder of a skill. */
function foldersOf(scan: PlaceScan): readonly string[] {
  return scan.entries.flatMap(({ kind, name }) => (kind === 'link' ? [] : [name]));
}

function linksOf(scan: PlaceScan | undefined): readonly Extract<PlaceEntry, { kind: 'link' }>[] {
  return (scan?.entries ?? []).flatMap((entry) => (entry.kind === 'link' ? [entry] : []));
}
