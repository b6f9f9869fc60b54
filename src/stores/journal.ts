// SPDX-License-Identifier: Apache-2.0
// The journal's interface: append, tail, owed. Whoever owns a stream is its only writer.

import type { AuditNote } from './audit.ts';
import type { StoredRecord, TailRow } from './records.ts';

/** What is open and must be taken up again after a crash: a session's work, or rows that are to be redacted. */
export type OwedKind = 'turn' | 'part' | 'erasure';

/** Records that become durable together, with what they open and close: as they are decided, or in the form they are kept in. */
export interface AppendItem<R = StoredRecord> {
  readonly at: number;
  readonly records: readonly R[];
  /** Opens: the index of the record (in this item) under whose seq it is owed. */
  readonly owes: readonly { readonly record: number; readonly kind: OwedKind }[];
  /** Closes: seqs of rows that are owed no longer. */
  readonly settles: readonly number[];
  /** What is noted of it. If that cannot be written, the append fails as a whole. */
  readonly audit?: readonly AuditNote[];
}

export interface Append<R = StoredRecord> {
  readonly stream: string;
  readonly workspace_id: string;
  /** The number of the first record: the stream's head + 1. Repeating an append under the same `n` is safe. */
  readonly n: number;
  readonly items: readonly AppendItem<R>[];
}

/**
 * An append as it crosses a thread, one flat array: stream, workspace, n, the number of items; for each item its time, the
 * number of records and each one's type, version, turn and payload, then the number of what it owes and each one's record
 * and kind, then the number of seqs it settles and each of them, then the number of notes for the audit and the fields of
 * each.
 */
export type PackedAppend = readonly (string | number | null)[];

/** The seq of the first record; the rest follow without a gap. */
export interface Committed {
  readonly seq: number;
}

/** A stream from its last checkpoint on, oldest first. */
export interface Tail {
  /** The head's number; 0 when the stream is empty. */
  readonly n: number;
  readonly rows: readonly TailRow[];
}

/** A tail as it crosses a thread, one flat array: the head's number, then each row's seq, time, type, version and payload. */
export type PackedTail = readonly (string | number)[];

/** What the journal answers to over the bus, at {@link JOURNAL}. */
export type JournalProtocol = {
  /** Answered when durable; `conflict` when `n` is neither the next number nor a repetition. */
  readonly 'journal.append': { readonly body: Append; readonly reply: Committed };
  readonly 'journal.tail': { readonly body: { readonly stream: string }; readonly reply: Tail };
  /** The distinct streams whose owners have something open. */
  readonly 'journal.owed': {
    readonly body: Record<string, never>;
    readonly reply: { readonly streams: readonly string[] };
  };
  /**
   * Answered once everything is redacted that was to be when it was asked, and what lay there before is overwritten in the
   * file and gone from its log.
   */
  readonly 'journal.erase': { readonly body: Record<string, never>; readonly reply: Record<string, never> };
  readonly 'journal.stats': {
    readonly body: Record<string, never>;
    readonly reply: {
      readonly seq: number;
      readonly commits: number;
      readonly rows: number;
      readonly repeats: number;
      readonly conflicts: number;
    };
  };
};
