// SPDX-License-Identifier: Apache-2.0
// Watches folders of skills: each place's own, and those of the skills in it, no more of them than a system gives.

import { type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';
import type { SkillPlace } from '../../agent/skills/skill.ts';

/** Folders that are watched at most; what is beyond has to be looked at. */
const MOST = 1_024;

interface Watched {
  /** By path. */
  readonly folders: Map<string, FSWatcher>;
  /** Not all of its folders are watched. */
  blind: boolean;
}

export class FolderWatches {
  readonly #stirred: (place: SkillPlace) => void;
  readonly #blinded: (path: string, why: string) => void;
  readonly #places = new Map<SkillPlace, Watched>();
  #count = 0;
  #told = false;

  /**
   * @param stirred something in a place has changed
   * @param blinded told once, of the first folder that cannot be watched
   */
  constructor(stirred: (place: SkillPlace) => void, blinded: (path: string, why: string) => void) {
    this.#stirred = stirred;
    this.#blinded = blinded;
  }

  /**
   * Watches a place's folder and those of these names in it, and no others of that place.
   *
   * @returns how many are new: what changed in them before, nobody has seen
   */
  watch(place: SkillPlace, folder: string, names: readonly string[]): number {
    const watched = this.#places.get(place) ?? { folders: new Map(), blind: false };
    this.#places.set(place, watched);
    const wanted = new Set([folder, ...names.map((name) => join(folder, name))]);
    for (const path of watched.folders.keys()) if (!wanted.has(path)) this.#let(watched, path);
    watched.blind = false;
    let made = 0;
    for (const path of wanted)
      if (!watched.folders.has(path) && this.#begin(place, watched, path, path === folder)) made += 1;
    return made;
  }

  isBlind(place: SkillPlace): boolean {
    return this.#places.get(place)?.blind === true;
  }

  end(place: SkillPlace): void {
    const watched = this.#places.get(place);
    if (watched === undefined) return;
    for (const path of [...watched.folders.keys()]) this.#let(watched, path);
    this.#places.delete(place);
  }

  stop(): void {
    for (const place of [...this.#places.keys()]) this.end(place);
  }

  #begin(place: SkillPlace, watched: Watched, path: string, top: boolean): boolean {
    if (this.#count >= MOST) return this.#blind(watched, path, `${MOST} folders are watched already`);
    try {
      const watcher = watch(path, { persistent: false }, (_, file) => {
        if (file !== null && !isAbout(top, file)) return;
        // What has that name now may be another folder than the one that is watched.
        if (top && file !== null) this.#let(watched, join(path, file));
        this.#stirred(place);
      });
      watcher.on('error', () => {
        // Its folder is gone, or the system gives no more of it.
        if (watched.folders.get(path) !== watcher) return;
        this.#let(watched, path);
        this.#stirred(place);
      });
      watched.folders.set(path, watcher);
      this.#count += 1;
      return true;
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException;
      // Gone since it was read, or no folder: the one above says so.
      return code === 'ENOENT' || code === 'ENOTDIR' ? false : this.#blind(watched, path, code ?? 'unknown');
    }
  }

  #blind(watched: Watched, path: string, why: string): false {
    watched.blind = true;
    if (!this.#told) this.#blinded(path, why);
    this.#told = true;
    return false;
  }

  #let(watched: Watched, path: string): void {
    const watcher = watched.folders.get(path);
    if (watcher === undefined) return;
    watcher.close();
    watched.folders.delete(path);
    this.#count -= 1;
  }
}

/** Whether a change of a file may mean another skill: in a place every name but hidden ones, in a skill its own file. */
function isAbout(top: boolean, file: string): boolean {
  return top ? !file.startsWith('.') : /^skill\.md$/i.test(file);
}
