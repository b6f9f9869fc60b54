// SPDX-License-Identifier: Apache-2.0
// What the stores' threads answer to on the bus, and under which addresses.

import type { EmbedderProtocol } from './embedder.ts';
import type { Committed, JournalProtocol, PackedAppend, PackedTail } from './journal.ts';
import type { ValueChanges } from './key-value-store.ts';
import type { ReadProtocol } from './session-store.ts';
import type { TextScanProtocol } from './text-scan.ts';

/** What follows the journal: sessions, which every read waits for, and memory, which has time. */
export type ProjectionName = 'sessions' | 'memory';

/** What the views' thread is told and asked. */
export type ViewsProtocol = {
  /** The journal is durable up to here. A number is enough: the view reads the file itself from its checkpoint. */
  readonly 'views.wake': { readonly body: { readonly upto: number }; readonly reply: undefined };
  /** A read waits for this row: go on at once instead of resting. */
  readonly 'views.hurry': {
    readonly body: { readonly upto: number; readonly projection?: ProjectionName };
    readonly reply: undefined;
  };
  /** Answered once everything up to `upto` is applied. */
  readonly 'views.await': {
    readonly body: { readonly upto: number; readonly projection?: ProjectionName };
    readonly reply: { readonly upto: number };
  };
  /**
   * Answered once everything up to `upto` is applied by all, vectors too, and what it deleted is overwritten in gateway.db and
   * in the files of these workspaces. `values`: what plugins keep in it is deleted as well.
   */
  readonly 'views.wipe': {
    readonly body: {
      readonly upto: number;
      readonly workspaces: readonly { readonly id: string; readonly values: boolean }[];
    };
    readonly reply: Record<string, never>;
  };
  readonly 'views.stats': {
    readonly body: Record<string, never>;
    readonly reply: {
      readonly upto: number;
      readonly applied: number;
      readonly behind: number;
      readonly memory: { readonly upto: number; readonly behind: number };
    };
  };
  /** How the embedding of texts gets on; no model where none are embedded. */
  readonly 'views.embedding': {
    readonly body: Record<string, never>;
    readonly reply: { readonly models: readonly EmbeddingState[] };
  };
};

/** How it is with one model that texts are embedded with. */
export interface EmbeddingState {
  /** `provider/name`. */
  readonly model: string;
  readonly dimensions: number;
  /** `waiting`: its last attempt failed, and what was to be embedded is kept until it can be. */
  readonly state: 'idle' | 'embedding' | 'waiting';
  /** Workspaces that lack something, and the first of them by id. */
  readonly waiting: number;
  readonly workspaces: readonly string[];
  /** Until it is tried again, in milliseconds; null while it does not rest. */
  readonly retry_in_ms: number | null;
  readonly last_error: { readonly code: string; readonly message: string; readonly ago_ms: number } | null;
}

/** Told to the read thread: a projection has applied everything up to here. */
export type ReadNews = {
  readonly 'read.advanced': {
    readonly body: { readonly upto: number; readonly projection: ProjectionName };
    readonly reply: undefined;
  };
};

/** The journal over the bus: an append comes packed. */
type RemoteJournal = Omit<JournalProtocol, 'journal.append' | 'journal.tail'> & {
  readonly 'journal.append': { readonly body: PackedAppend; readonly reply: Committed };
  readonly 'journal.tail': { readonly body: JournalProtocol['journal.tail']['body']; readonly reply: PackedTail };
};

export type StoreProtocol = RemoteJournal &
  ViewsProtocol &
  ValueChanges &
  ReadNews &
  ReadProtocol &
  EmbedderProtocol &
  TextScanProtocol;

/** Ids of the stores' doors: `store/journal`, `store/views`, `store/read` on the threads of their names, `store/embedder` on main, `store/vendors` on an I/O thread. */
export const STORE_IDS = {
  journal: 'journal',
  views: 'views',
  read: 'read',
  embedder: 'embedder',
  vendors: 'vendors',
} as const;
