// SPDX-License-Identifier: Apache-2.0
// What a worker is born with, and what it and the root say to each other outside the bus.

import type { MessagePort } from 'node:worker_threads';
import type { Layout } from '../bus/layout.ts';
import type { Config } from '../config/schema.ts';
import type { Failure } from '../errors.ts';

/** A port to another thread's life. */
export interface Wire {
  readonly thread: number;
  readonly life: number;
  readonly port: MessagePort;
}

/** What does not change from one life of a thread to the next, nor from thread to thread. */
export interface House {
  readonly layout: Layout;
  readonly config: Config;
  readonly data_dir: string;
  /** The windows' counters, see {@link SharedCounter}. */
  readonly counters: SharedArrayBuffer;
  /** One beat counter for each thread. */
  readonly beats: SharedArrayBuffer;
}

export interface Boot extends House {
  readonly thread: number;
  readonly life: number;
  readonly wires: readonly Wire[];
  /** Threads that are not started again. */
  readonly gone: readonly number[];
}

export type ToWorker =
  /** A new life of another thread. */
  | { readonly say: 'attach'; readonly wire: Wire }
  /** Another thread is not started again. */
  | { readonly say: 'gone'; readonly thread: number }
  /** Close what is open and end. */
  | { readonly say: 'stop' };

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export type FromWorker =
  | { readonly say: 'ready' }
  /** It cannot start, and trying again would not help. */
  | { readonly say: 'failed'; readonly error: Failure }
  | {
      readonly say: 'log';
      readonly level: LogLevel;
      readonly fields: Readonly<Record<string, unknown>>;
      readonly message: string;
    }
  | { readonly say: 'stopped' };
