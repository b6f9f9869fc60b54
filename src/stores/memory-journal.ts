// SPDX-License-Identifier: Apache-2.0
// A journal's disk in memory, with transactions that roll back: for tests and simulation.

import { type AuditHead, type AuditRow, type Digest, NO_AUDIT } from './audit.ts';
import type { OwedKind } from './journal.ts';
import type { Head, JournalDisk } from './journal-disk.ts';
import type { JournalRow } from './records.ts';

/** What is left of a memory disk when its process ends: give it to the next one. */
export interface MemoryJournalState {
  readonly rows: Map<number, JournalRow>;
  readonly owed: Map<number, { readonly stream: string; readonly kind: OwedKind }>;
  readonly audit: AuditRow[];
}

export function emptyMemoryJournal(): MemoryJournalState {
  return { rows: new Map(), owed: new Map(), audit: [] };
}

/** Keeps rows in maps. Heads are rebuilt from the rows, as after a crash. */
export class MemoryJournalDisk implements JournalDisk {
  readonly id: string;
  readonly digest: Digest;
  readonly #state: MemoryJournalState;
  readonly #heads = new Map<string, Head>();
  #last = 0;
  #undo: (() => void)[] | undefined;

  /** @param digest a real one where chains are looked at; a plain sum otherwise */
  constructor(id: string, state: MemoryJournalState = emptyMemoryJournal(), digest: Digest = sumOf) {
    this.id = id;
    this.digest = digest;
    this.#state = state;
    for (const row of state.rows.values()) {
      this.#heads.set(row.stream, { seq: row.seq, n: row.n });
      this.#last = row.seq;
    }
  }

  commit(run: () => void): void {
    const undo: (() => void)[] = [];
    const last = this.#last;
    this.#undo = undo;
    try {
      run();
    } catch (thrown) {
      for (const back of undo.reverse()) back();
      this.#last = last;
      throw thrown;
    } finally {
      this.#undo = undefined;
    }
  }

  #undoable(back: () => void): void {
    if (this.#undo === undefined) throw new Error('written outside a commit');
    this.#undo.push(back);
  }

  insert(row: JournalRow): void {
    if (this.#state.rows.has(row.seq)) throw new Error(`row ${row.seq} is there already`);
    this.#undoable(() => this.#state.rows.delete(row.seq));
    this.#state.rows.set(row.seq, row);
    this.#last = row.seq;
  }

  owe(seq: number, stream: string, kind: OwedKind): void {
    this.#undoable(() => this.#state.owed.delete(seq));
    this.#state.owed.set(seq, { stream, kind });
  }

  settle(seq: number): void {
    const owed = this.#state.owed.get(seq);
    if (owed === undefined) return;
    this.#undoable(() => this.#state.owed.set(seq, owed));
    this.#state.owed.delete(seq);
  }

  audit(row: AuditRow): void {
    const { audit } = this.#state;
    this.#undoable(() => audit.pop());
    audit.push(row);
  }

  auditHead(): AuditHead {
    return this.#state.audit.at(-1) ?? NO_AUDIT;
  }

  attempt(run: () => void): { readonly thrown: unknown } | undefined {
    const undo = this.#undo ?? [];
    const [last, done] = [this.#last, undo.length];
    try {
      run();
      return undefined;
    } catch (thrown) {
      for (const back of undo.splice(done).reverse()) back();
      this.#last = last;
      return { thrown };
    }
  }

  row(seq: number): JournalRow | undefined {
    return this.#state.rows.get(seq);
  }

  tail(seq: number): readonly JournalRow[] {
    const rows: JournalRow[] = [];
    for (let row = this.row(seq); row !== undefined; row = this.row(row.prev)) {
      rows.push(row);
      if (row.type === 'checkpoint') break;
    }
    return rows.reverse();
  }

  head(stream: string): Head | undefined {
    return this.#heads.get(stream);
  }

  setHead(stream: string, head: Head): void {
    this.#heads.set(stream, head);
  }

  owedStreams(): readonly string[] {
    return [...new Set([...this.#state.owed.values()].map((owed) => owed.stream))].sort();
  }

  last(): number {
    return this.#last;
  }

  close(): void {
    this.#heads.clear();
  }
}

/** FNV-1a over UTF-16 units: tells texts apart, proves nothing. */
function sumOf(text: string): string {
  let sum = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193);
  return (sum >>> 0).toString(16).padStart(64, '0');
}
