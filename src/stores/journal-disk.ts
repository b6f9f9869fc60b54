// SPDX-License-Identifier: Apache-2.0
// What the journal's rules ask of the place where rows are kept: one transaction at a time, and a few look-ups.

import type { AuditHead, AuditRow, Digest } from './audit.ts';
import type { OwedKind } from './journal.ts';
import type { JournalRow, TailRow } from './records.ts';

/** A stream's newest row. */
export interface Head {
  readonly seq: number;
  /** Its number in the stream. */
  readonly n: number;
}

/** Where the journal's rows are kept. Synchronous: it lives on the one thread that writes. */
export interface JournalDisk {
  /** Names this journal for good; a view made of another one is rebuilt. */
  readonly id: string;
  /**
   * Runs `run` in one transaction and makes what it wrote durable. When it throws, nothing of it happened and the next
   * commit works again if the cause is gone.
   */
  commit(run: () => void): void;
  /** Inside a commit only. */
  insert(row: JournalRow): void;
  /** Inside a commit only: the row `seq` is open. */
  owe(seq: number, stream: string, kind: OwedKind): void;
  /** Inside a commit only: the row `seq` is open no longer; of no effect when it was not. */
  settle(seq: number): void;
  /** Inside a commit only: the next entry of the audit, and the head it makes. */
  audit(row: AuditRow): void;
  /** The audit's head as of the last commit, read anew. */
  auditHead(): AuditHead;
  /**
   * Inside a commit only: runs a part of it. What it threw when nothing of the part happened and the commit goes on;
   * undefined when it went well. Throws itself when the whole commit is lost.
   */
  attempt(run: () => void): { readonly thrown: unknown } | undefined;
  readonly digest: Digest;
  /** A row, also one of the commit that is being made. */
  row(seq: number): JournalRow | undefined;
  /** The rows of its stream from the newest checkpoint up to this row, oldest first; empty when it is not there. */
  tail(seq: number): readonly TailRow[];
  /** A stream's head as of the last commit. */
  head(stream: string): Head | undefined;
  /** After a commit only: remembers a head. Cheap; the disk writes heads in its own time. */
  setHead(stream: string, head: Head): void;
  /** The distinct streams with something open. */
  owedStreams(): readonly string[];
  /** The highest seq ever committed; 0 when there is none. */
  last(): number;
  close(): void;
}
