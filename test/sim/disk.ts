// SPDX-License-Identifier: Apache-2.0
// The journal's file in the simulated machine: what a commit has made durable stays, what it had not is lost or torn.

import { hash } from 'node:crypto';
import type { AuditHead, AuditRow } from '../../src/stores/audit.ts';
import type { OwedKind } from '../../src/stores/journal.ts';
import type { Head } from '../../src/stores/journal-disk.ts';
import { emptyMemoryJournal, MemoryJournalDisk } from '../../src/stores/memory-journal.ts';
import type { JournalRow } from '../../src/stores/records.ts';
import type { BatchBounds, JournalRows } from '../../src/stores/sqlite/journal-source.ts';
import type { IdleDisk } from '../../src/stores/sqlite/open.ts';
import type { Clock, Life } from './clock.ts';

/** As the real file's. */
export const digest = (text: string): string => hash('sha256', text);

type Operation = (disk: MemoryJournalDisk) => void;

/** The file, over all processes. */
export class JournalFile {
  readonly id = 'journal-of-the-simulation';
  readonly state = emptyMemoryJournal();
  last = 0;
  /** Something has been committed since the log was last moved into the file. */
  unmoved = false;
  /** Commits that fail from now on, and how: before anything is written, or when it should become durable. */
  failing: { left: number; readonly how: 'write' | 'sync' } = { left: 0, how: 'write' };
  /** What a commit takes, in milliseconds. */
  slow = 0;
  /** A commit whose sync failed: its frames may be in the file, and a crash before the next one finds them there. */
  private ghost: readonly Operation[] = [];
  private readonly told: (rows: readonly JournalRow[], audit: readonly AuditRow[]) => void;
  /** Entries of the audit that were told. */
  private noted = 0;

  /** @param told the rows a commit made durable, and the entries of the audit */
  constructor(told: (rows: readonly JournalRow[], audit: readonly AuditRow[]) => void) {
    this.told = told;
  }

  /** A commit is durable. */
  committed(rows: readonly JournalRow[]): void {
    this.ghost = [];
    this.unmoved = true;
    this.last = rows.at(-1)?.seq ?? this.last;
    const audit = this.state.audit.slice(this.noted);
    this.noted = this.state.audit.length;
    this.told(rows, audit);
  }

  /** A commit failed at its end; it may be found in the file after a crash. */
  doubt(operations: readonly Operation[]): void {
    this.ghost = operations;
  }

  /** Power is gone: what was in doubt is there or not. */
  crash(ghost: boolean): void {
    const operations = this.ghost;
    this.ghost = [];
    this.failing = { left: 0, how: 'write' };
    this.slow = 0;
    if (!ghost || operations.length === 0) return;
    const disk = new MemoryJournalDisk(this.id, this.state, digest);
    const before = this.last;
    disk.commit(() => {
      for (const operation of operations) operation(disk);
    });
    const rows: JournalRow[] = [];
    for (let seq = before + 1; ; seq += 1) {
      const row = this.state.rows.get(seq);
      if (row === undefined) break;
      rows.push(row);
    }
    this.committed(rows);
  }

  /** What readers of the file see. */
  rows(): JournalRows {
    const { state } = this;
    const row = (seq: number): JournalRow | undefined => {
      const found = state.rows.get(seq);
      return found?.type === 'checkpoint' ? { ...found, payload: '' } : found;
    };
    const from = (seq: number, upto: number, bounds: BatchBounds, wanted: (row: JournalRow) => boolean) => {
      const taken: JournalRow[] = [];
      let length = 0;
      for (let at = seq + 1; at <= upto && taken.length < bounds.rows && length < bounds.length; at += 1) {
        const next = row(at);
        if (next === undefined || !wanted(next)) continue;
        taken.push(next);
        length += next.payload.length;
      }
      return taken;
    };
    return {
      id: this.id,
      open: () => true,
      last: () => this.last,
      trimmed: () => 0,
      mark: (seq) => {
        const found = state.rows.get(seq);
        return found === undefined ? undefined : `${found.stream}#${found.n}@${found.at}`;
      },
      after: (seq, bounds) => from(seq, this.last, bounds, () => true),
      afterOf: (workspace, seq, upto, bounds) =>
        from(seq, Math.min(upto, this.last), bounds, ({ workspace_id }) => workspace_id === workspace),
      turn: (turn_id, first, last) => {
        const rows: JournalRow[] = [];
        let next = row(last);
        while (next !== undefined) {
          if (next.turn_id === turn_id) rows.push(next);
          if (next.prev < first) break;
          next = row(next.prev);
        }
        return rows.reverse();
      },
      close: () => undefined,
    };
  }
}

/** The file as one life of the journal's thread has it open. */
export class SimDisk implements IdleDisk {
  readonly id: string;
  readonly digest = digest;
  private readonly file: JournalFile;
  private readonly life: Life;
  private readonly clock: Clock;
  private readonly memory: MemoryJournalDisk;
  private operations: Operation[] = [];
  private rows: JournalRow[] = [];

  constructor(file: JournalFile, life: Life, clock: Clock) {
    this.id = file.id;
    this.file = file;
    this.life = life;
    this.clock = clock;
    this.memory = new MemoryJournalDisk(file.id, file.state, digest);
  }

  commit(run: () => void): void {
    const { file, life } = this;
    this.operations = [];
    this.rows = [];
    this.clock.spend(life, file.slow);
    const { failing } = file;
    const fails = failing.left > 0;
    if (fails) failing.left -= 1;
    this.memory.commit(() => {
      if (fails && failing.how === 'write') throw new Error('no space left on device');
      run();
      // A thread that ends inside a commit leaves frames behind that nothing marks as committed.
      if (life.dead) throw new Error('the thread has ended');
      if (fails) {
        file.doubt(this.operations);
        throw new Error('input/output error');
      }
    });
    file.committed(this.rows);
  }

  insert(row: JournalRow): void {
    this.memory.insert(row);
    this.rows.push(row);
    this.operations.push((disk) => disk.insert(row));
  }

  owe(seq: number, stream: string, kind: OwedKind): void {
    this.memory.owe(seq, stream, kind);
    this.operations.push((disk) => disk.owe(seq, stream, kind));
  }

  settle(seq: number): void {
    this.memory.settle(seq);
    this.operations.push((disk) => disk.settle(seq));
  }

  audit(row: AuditRow): void {
    this.memory.audit(row);
    this.operations.push((disk) => disk.audit(row));
  }

  auditHead(): AuditHead {
    return this.memory.auditHead();
  }

  attempt(run: () => void): { readonly thrown: unknown } | undefined {
    const [rows, operations] = [this.rows.length, this.operations.length];
    const failed = this.memory.attempt(run);
    if (failed === undefined) return undefined;
    this.rows.length = rows;
    this.operations.length = operations;
    return failed;
  }

  row(seq: number): JournalRow | undefined {
    return this.memory.row(seq);
  }

  tail(seq: number): readonly JournalRow[] {
    return this.memory.tail(seq);
  }

  head(stream: string): Head | undefined {
    return this.memory.head(stream);
  }

  setHead(stream: string, head: Head): void {
    this.memory.setHead(stream, head);
  }

  owedStreams(): readonly string[] {
    return this.memory.owedStreams();
  }

  last(): number {
    return this.memory.last();
  }

  /** Moves nothing that could be lost: what is committed is durable wherever it lies. */
  checkpoint(): boolean {
    const { file, life } = this;
    if (life.dead || !file.unmoved) return false;
    file.unmoved = false;
    return true;
  }

  close(): void {
    this.memory.close();
  }
}
