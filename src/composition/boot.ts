// SPDX-License-Identifier: Apache-2.0
// What a worker is born with, and what it and the root say to each other outside the bus.

import type { SkillSet } from '../agent/skills/skill.ts';
import type { Layout } from '../bus/layout.ts';
import type { Port } from '../bus/ports.ts';
import type { ConfigChange } from '../config/change.ts';
import type { Config } from '../config/schema.ts';
import type { Failure } from '../errors.ts';
import type { PackedTable, TableChange } from '../stores/directory-table.ts';

/** A port to another thread's life. */
export interface Wire {
  readonly thread: number;
  readonly life: number;
  readonly port: Port;
}

/** What does not change from one life of a thread to the next, nor from thread to thread; but for the configuration. */
export interface House {
  readonly layout: Layout;
  /** The one in force, replaced whole when another is: what is to follow it looks here each time, see `perConfig`. */
  readonly config: Config;
  readonly data_dir: string;
  /** What is less than this is not logged, as of the start; all is when not given. */
  readonly log_level?: string;
  /** The windows' counters, see {@link SharedCounter}. */
  readonly counters: SharedArrayBuffer;
  /** One beat counter for each thread. */
  readonly beats: SharedArrayBuffer;
  /** For each thread the mark of whom it works for now, 0 between: see {@link markOf}. */
  readonly working: SharedArrayBuffer;
}

/** An actor over which a thread was lost, by its {@link markOf | mark}. */
export interface Suspect {
  readonly mark: number;
  readonly reason: 'hung' | 'out_of_memory';
}

export interface Boot extends House {
  readonly thread: number;
  readonly life: number;
  readonly wires: readonly Wire[];
  /** Threads nobody waits for. */
  readonly gone: readonly number[];
  /** Whose work hung or flooded the life before, when that is known. */
  readonly suspect: Suspect | null;
  /** Values of secrets known so far, to be hidden. */
  readonly hidden: readonly string[];
  /** Who there is, for the threads that ask; nobody for the others. */
  readonly directory: PackedTable;
  /** The skills of each workspace that has some; only lanes are given any. */
  readonly skills?: ReadonlyMap<string, SkillSet>;
}

/** What a secret stands for, or why nobody knows. */
export type SecretAnswer =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly error: Failure };

/** What a worker is born with that is told later what it is to be. */
export interface Prepared {
  /** The thread's name, or another of the same role. */
  readonly prepare: string;
  /** Whether it also does beforehand what a life does only when it is first needed. */
  readonly warm: boolean;
}

export type ToWorker =
  /** To one that was prepared, once and first: what it is to be. */
  | { readonly say: 'boot'; readonly boot: Boot }
  /** A new life of another thread. */
  | { readonly say: 'attach'; readonly wire: Wire }
  /** Nobody waits for another thread, unless it is attached again. */
  | { readonly say: 'gone'; readonly thread: number }
  /** The answer to a question for a secret, by its number. */
  | { readonly say: 'secret'; readonly ask: number; readonly answer: SecretAnswer }
  /** A secret has been used somewhere: it is hidden from now on. */
  | { readonly say: 'hide'; readonly value: string }
  /** Somebody came, went, or is another than before: each in order, none left out. */
  | { readonly say: 'directory'; readonly change: TableChange }
  /** A workspace has other skills from now on. */
  | { readonly say: 'skills'; readonly workspace: string; readonly set: SkillSet }
  /** From here on what is less than this is not logged. */
  | { readonly say: 'log_level'; readonly level: string }
  /** Another configuration is in force: each in order, none left out. */
  | {
      readonly say: 'config';
      readonly version: number;
      readonly config: Config;
      readonly keys: ConfigChange['keys'];
    }
  /** Close what is open and end. */
  | { readonly say: 'stop' };

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** A line for the log, as its thread says it. */
export interface LogLine {
  readonly level: LogLevel;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export type FromWorker =
  | { readonly say: 'ready' }
  /** Somebody there needs a secret; only the root opens the place where they are kept. */
  | { readonly say: 'secret'; readonly ask: number; readonly written: string }
  /** It cannot start, and trying again would not help. */
  | { readonly say: 'failed'; readonly error: Failure }
  | { readonly say: 'log'; readonly lines: readonly LogLine[] }
  /** A program was started in a process group of its own, or that group is gone: it ends with the thread, however that ends. */
  | { readonly say: 'child'; readonly pid: number; readonly lives: boolean }
  /** The configuration of this version is in force here. */
  | { readonly say: 'configured'; readonly version: number }
  | { readonly say: 'stopped' };
