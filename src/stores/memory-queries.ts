// SPDX-License-Identifier: Apache-2.0
// What the read thread answers about a workspace's memory, as it crosses threads.

import type { Page, PageRequest } from './page.ts';
import type { FoundKind } from './scope-words.ts';
import type { Snippet } from './snippet.ts';
import type { VectorSource } from './vector-store.ts';
import type { AddedMessage } from './workspace-records.ts';
import type { KnownKind } from './workspace-writer.ts';

/** A message of memory as it crosses threads. */
export type MemoryMessageRow = Omit<AddedMessage, 'at'> & {
  /** RFC 3339 UTC with milliseconds. */
  readonly created_at: string;
};

export interface SummaryRow {
  readonly id: string;
  readonly session_id: string;
  readonly from: string;
  readonly to: string;
  readonly content: string;
  readonly message_ids: readonly string[];
  readonly confirmed: boolean;
  readonly created_at: string;
}

/** Something that was found, with the part that shows why. */
export type Found<R> = R & { readonly snippet: Snippet };

/** What is looked for. Times are epoch milliseconds, half-open. */
export interface SearchBody {
  readonly workspace_id: string;
  readonly text: string;
  readonly user_id?: string | undefined;
  readonly session_id?: string | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Whether those that hold some of the words follow when few hold all. */
  readonly match: 'all' | 'any';
  readonly page: PageRequest;
}

/** A text that is found by its vector. */
export interface VectorItemRow {
  readonly id: string;
  readonly source: VectorSource;
  readonly session_id: string;
  readonly text: string;
  /** RFC 3339 UTC with milliseconds. */
  readonly created_at: string;
}

/** Messages of a session that are to be summed up together. */
export interface CompactionBatch {
  /** The oldest that left the window and that no summary stands for, oldest first; fewer than asked for where they are long. */
  readonly messages: readonly MemoryMessageRow[];
  /** How many of that kind there are; counted no further than a few batches. */
  readonly left: number;
  /** The session's newest summary, which the next one takes up. */
  readonly before: { readonly content: string; readonly user_ids: readonly string[] } | null;
}

export type MemoryQueries = {
  /** What of a session is to be summed up next. `window`: so many of its newest messages have not left the window. */
  readonly 'memory.batch': {
    readonly body: {
      readonly workspace_id: string;
      readonly session_id: string;
      readonly window: number;
      readonly limit: number;
    };
    readonly reply: CompactionBatch;
  };
  /** Sessions with at least so many messages beyond the window that no summary stands for, in order of id. */
  readonly 'memory.due': {
    readonly body: {
      readonly workspace_id: string;
      readonly session_id?: string | undefined;
      readonly user_id?: string | undefined;
      readonly window: number;
      readonly least: number;
      readonly limit: number;
    };
    readonly reply: { readonly sessions: readonly string[] };
  };
  /** Sessions with a summary in which somebody's words are. */
  readonly 'memory.summed_with': {
    readonly body: { readonly workspace_id: string; readonly user_id: string };
    readonly reply: { readonly sessions: readonly string[] };
  };
  /** The texts somebody's vectors are made of, in the order they came. */
  readonly 'vectors.items': {
    readonly body: { readonly workspace_id: string; readonly user_id: string; readonly page: PageRequest };
    readonly reply: Page<VectorItemRow>;
  };
  /** Whether a workspace's memory knows something under this id. */
  readonly 'memory.known': {
    readonly body: { readonly workspace_id: string; readonly what: KnownKind; readonly id: string };
    readonly reply: { readonly known: boolean };
  };
  /** Best first. A page may hold fewer than asked for where texts are long. */
  readonly 'memory.search': {
    readonly body: SearchBody & { readonly kinds?: readonly FoundKind[] | undefined };
    readonly reply: Page<Found<MemoryMessageRow>>;
  };
  /** The same among summaries; their time is their end. */
  readonly 'memory.search_summaries': { readonly body: SearchBody; readonly reply: Page<Found<SummaryRow>> };
  /** Messages of a time, oldest first, in the order they came where times are equal. Epoch milliseconds, half-open. */
  readonly 'memory.messages': {
    readonly body: {
      readonly workspace_id: string;
      readonly from: number;
      readonly to: number;
      readonly page: PageRequest;
    };
    readonly reply: Page<MemoryMessageRow>;
  };
  /** Summaries that begin at or after `from` and end at or before `to`, by their end, in the given order. */
  readonly 'memory.summaries': {
    readonly body: {
      readonly workspace_id: string;
      readonly user_id?: string | undefined;
      readonly session_id?: string | undefined;
      readonly from: number;
      readonly to: number;
      readonly order: 'oldest' | 'newest';
      readonly page: PageRequest;
    };
    readonly reply: Page<SummaryRow>;
  };
  readonly 'memory.count': {
    readonly body: { readonly workspace_id: string };
    readonly reply: { readonly messages: number; readonly summaries: number };
  };
  /** How many messages a trim or a deletion took, by the id it was given. */
  readonly 'memory.removed': {
    readonly body: { readonly workspace_id: string; readonly id: string };
    readonly reply: { readonly removed: number };
  };
};
