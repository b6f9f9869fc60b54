// SPDX-License-Identifier: Apache-2.0
// Watches one file by its name, whatever becomes of it: written over, replaced by a rename, reached by links that are swapped, gone and back.
//
// The system tells of changes in the folders on the way to it; where it tells nothing (a network disk, a folder that was
// itself replaced) a look now and then finds them. Not chokidar: of the folders it follows only that of the file, so links
// swapped further up, as Kubernetes does it with a mounted ConfigMap, come through by chance; what is left is a stat.

import { type FSWatcher, watch } from 'node:fs';
import { lstat, readlink, stat } from 'node:fs/promises';
import { basename, dirname, join, parse, resolve, sep } from 'node:path';
import type { World } from '../../world.ts';

export interface ConfigWatchOptions {
  readonly world: Pick<World, 'after' | 'monotonic'>;
  /** The file; or the places where one may appear, of which the first that holds one is watched from then on. */
  readonly places: readonly string[];
  /** It is another than before, and has been still for a moment. */
  readonly changed: (file: string) => void;
  /** Told once: changes are seen by looking only. */
  readonly blinded: (folder: string, why: string) => void;
}

/** What comes together is one change, in milliseconds. */
const TOGETHER_MS = 50;
/** A file that has been the same for so long is whole; an editor may empty it, or take it away, before it writes it anew. */
const STILL_MS = { usually: 100, empty: 2_000, absent: 1_000 } as const;
/** One that never is still is read all the same. */
const RESTLESS_MS = 5_000;
/** From one look to the next where nothing is heard. */
const LOOK_MS = 3_000;
/** Links on the way to a file; more of them lead in a circle. */
const LINKS_MOST = 40;

const ABSENT = 'absent';

interface Look {
  /** Tells one state of the file from another. */
  readonly print: string;
  readonly empty: boolean;
  /** Epoch milliseconds. */
  readonly written: number;
}

/** The folders on the way to a file and the names in each that decide where it leads. */
export async function waysTo(file: string): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const ways = new Map<string, Set<string>>();
  const note = (path: string): void => {
    const folder = dirname(path);
    ways.set(folder, (ways.get(folder) ?? new Set()).add(basename(path)));
  };
  let links = 0;
  let path = resolve(file);
  for (;;) {
    const { root } = parse(path);
    const names = path.slice(root.length).split(sep);
    let at = root;
    let next: string | undefined;
    for (const [index, name] of names.entries()) {
      at = join(at, name);
      const found = await lstat(at).catch(() => undefined);
      const last = index === names.length - 1;
      // A folder that is missing may be made.
      if (last || found === undefined || found.isSymbolicLink()) note(at);
      if (found === undefined) return ways;
      if (!found.isSymbolicLink()) continue;
      const target = await readlink(at).catch(() => undefined);
      if (target === undefined) return ways;
      next = join(resolve(dirname(at), target), ...names.slice(index + 1));
      break;
    }
    links += 1;
    if (next === undefined || links > LINKS_MOST) return ways;
    path = next;
  }
}

async function lookAt(file: string): Promise<Look> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = await stat(file, { bigint: true });
    return { print: `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`, empty: size === 0n, written: Number(ctimeMs) };
  } catch {
    return { print: ABSENT, empty: false, written: 0 };
  }
}

export class ConfigWatch {
  readonly #options: ConfigWatchOptions;
  readonly #watchers = new Map<string, { readonly watcher: FSWatcher; names: ReadonlySet<string> }>();
  #file: string | undefined;
  /** What it was when it was last told of, or looked at first. */
  #told = '';
  #looking = false;
  #again = false;
  #stopped = false;
  #blind = false;
  #due: (() => void) | null = null;
  #stopPolling = (): void => undefined;

  constructor(options: ConfigWatchOptions) {
    this.#options = options;
    const [only] = options.places;
    if (options.places.length === 1) this.#file = only;
  }

  /**
   * Begins. Settles once changes are heard of.
   *
   * @param since epoch milliseconds: what was written later may be other than what was read, and is told of
   */
  async start(since: number): Promise<void> {
    if (this.#file !== undefined) {
      await this.#watchWays(this.#file);
      const { print, written } = await lookAt(this.#file);
      if (written < since) this.#told = print;
      void this.#look();
    }
    this.#poll();
  }

  /** What the file is now, for {@link saw}; undefined while there is none to watch. */
  async look(): Promise<string | undefined> {
    return this.#file === undefined ? undefined : (await lookAt(this.#file)).print;
  }

  /** Somebody has read it as it was when it was looked at: nothing of that is news. */
  saw(print: string | undefined): void {
    if (print !== undefined) this.#told = print;
  }

  stop(): void {
    this.#stopped = true;
    this.#due?.();
    this.#stopPolling();
    for (const { watcher } of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #poll(): void {
    if (this.#stopped) return;
    this.#stopPolling = this.#options.world.after(LOOK_MS, () => {
      void this.#look().finally(() => this.#poll());
    });
  }

  #stirred(): void {
    if (this.#stopped || this.#due !== null) return;
    this.#due = this.#options.world.after(TOGETHER_MS, () => {
      this.#due = null;
      void this.#look();
    });
  }

  async #look(): Promise<void> {
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#looking = true;
    do {
      this.#again = false;
      await this.#lookOnce();
    } while (this.#again && !this.#stopped);
    this.#looking = false;
  }

  async #lookOnce(): Promise<void> {
    this.#file ??= await this.#appeared();
    const file = this.#file;
    if (file === undefined) return;
    await this.#watchWays(file);
    const found = await lookAt(file);
    if (found.print === this.#told || this.#stopped) return;
    const print = await this.#still(file, found);
    // It may have been read meanwhile because somebody asked.
    if (this.#stopped || print === this.#told) return;
    this.#told = print;
    this.#options.changed(file);
  }

  async #appeared(): Promise<string | undefined> {
    for (const place of this.#options.places) if ((await lookAt(place)).print !== ABSENT) return place;
    return undefined;
  }

  /** Waits until nothing more is done to it. @returns what it is then */
  async #still(file: string, first: Look): Promise<string> {
    const { world } = this.#options;
    const begun = world.monotonic();
    let before = first;
    for (;;) {
      const wait = before.print === ABSENT ? STILL_MS.absent : before.empty ? STILL_MS.empty : STILL_MS.usually;
      const until = world.monotonic() + wait;
      let now = before;
      while (now.print === before.print && world.monotonic() < until && !this.#stopped) {
        await this.#pause();
        now = await lookAt(file);
      }
      if (now.print === before.print || world.monotonic() - begun > RESTLESS_MS || this.#stopped) return now.print;
      before = now;
    }
  }

  #pause(): Promise<void> {
    return new Promise((done) => void this.#options.world.after(TOGETHER_MS, done));
  }

  async #watchWays(file: string): Promise<void> {
    const ways = await waysTo(file);
    if (this.#stopped) return;
    for (const [folder, { watcher }] of this.#watchers) {
      if (ways.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const [folder, names] of ways) {
      const known = this.#watchers.get(folder);
      if (known !== undefined) known.names = names;
      else this.#watch(folder, names);
    }
  }

  #watch(folder: string, names: ReadonlySet<string>): void {
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        if (name === null || this.#watchers.get(folder)?.names.has(name) === true) this.#stirred();
      });
      // The folder is gone, or the system gives no more of it: what is there then is watched at the next look.
      watcher.on('error', () => {
        watcher.close();
        if (this.#watchers.get(folder)?.watcher === watcher) this.#watchers.delete(folder);
        this.#stirred();
      });
      this.#watchers.set(folder, { watcher, names });
    } catch (thrown) {
      const { code = 'unknown' } = thrown as NodeJS.ErrnoException;
      // Gone meanwhile: it is found by looking.
      if (code === 'ENOENT' || code === 'ENOTDIR' || this.#blind) return;
      this.#blind = true;
      this.#options.blinded(folder, code);
    }
  }
}
