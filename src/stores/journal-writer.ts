// SPDX-License-Identifier: Apache-2.0
// The journal's rules: what arrives in a tick is committed together; an append is idempotent by its number. No disk here.

import { type Failure, failure, SigilError } from '../errors.ts';
import { isAudited, problemOf, sizeOf } from './append-check.ts';
import { repeatedAt } from './append-repeat.ts';
import { type AuditHead, linkAudit } from './audit.ts';
import type { Append, Committed, Tail } from './journal.ts';
import type { Head, JournalDisk } from './journal-disk.ts';
import type { Request } from './request.ts';

/** What the journal has done since it started. */
export interface JournalStats {
  readonly seq: number;
  readonly commits: number;
  readonly rows: number;
  readonly repeats: number;
  readonly conflicts: number;
}

/** Where a crash test may end the process: gathered, written but not committed, and committed but not answered. */
export type JournalPoint = 'journal.gathered' | 'journal.before_commit' | 'journal.after_commit';

export interface JournalWriterOptions {
  readonly disk: JournalDisk;
  /** Runs what it is given once everything that has arrived by now is here. */
  readonly soon: (run: () => void) => void;
  /** Told after every commit: the journal is durable up to here. */
  readonly notify?: (upto: number) => void;
  readonly point?: (name: JournalPoint) => void;
  /** The most rows of one commit; the rest go with the next. One append is never parted. */
  readonly maxRows?: number;
  /** The most payload of one commit, in UTF-16 units. */
  readonly maxLength?: number;
  /** What may wait for a commit, and its payload in UTF-16 units; past either the asker is told `overloaded`. */
  readonly waiting?: { readonly most: number; readonly length: number };
}

type Looking =
  | { readonly kind: 'tail'; readonly request: Request<{ readonly stream: string }, Tail> }
  | { readonly kind: 'owed'; readonly request: Request<unknown, { readonly streams: readonly string[] }> }
  | { readonly kind: 'stats'; readonly request: Request<unknown, JournalStats> };

type Waiting =
  | {
      readonly kind: 'append';
      readonly request: Request<Append, Committed>;
      readonly rows: number;
      readonly length: number;
    }
  | Looking;

type Outcome = { readonly ok: true; readonly seq: number } | { readonly ok: false; readonly error: Failure };

/**
 * The one writer of a journal. Everything it is asked is answered in order of arrival, appends when they are durable.
 *
 * What is a repetition and what a conflict is said at {@link repeatedAt}.
 */
export class JournalWriter {
  readonly #disk: JournalDisk;
  readonly #soon: (run: () => void) => void;
  readonly #notify: (upto: number) => void;
  readonly #point: (name: JournalPoint) => void;
  readonly #maxRows: number;
  readonly #maxLength: number;
  readonly #bounds: { readonly most: number; readonly length: number };
  #waiting: Waiting[] = [];
  /** Payload of what waits. */
  #length = 0;
  #scheduled = false;
  #seq: number;
  #commits = 0;
  #rows = 0;
  #repeats = 0;
  #conflicts = 0;

  constructor(options: JournalWriterOptions) {
    this.#disk = options.disk;
    this.#soon = options.soon;
    this.#notify = options.notify ?? (() => undefined);
    this.#point = options.point ?? (() => undefined);
    this.#maxRows = options.maxRows ?? 4096;
    this.#maxLength = options.maxLength ?? 16 * 1024 * 1024;
    this.#bounds = options.waiting ?? WAITING;
    this.#seq = options.disk.last();
  }

  /** The last durable row. */
  get seq(): number {
    return this.#seq;
  }

  /** Whether somebody waits for a commit, or for an answer after it. */
  get waiting(): boolean {
    return this.#waiting.length > 0;
  }

  append(request: Request<Append, Committed>): void {
    const problem = problemOf(request.body);
    if (problem !== undefined) {
      request.fail(problem);
      return;
    }
    const { rows, length } = sizeOf(request.body);
    this.#add({ kind: 'append', request, rows, length });
  }

  /** Answered after all appends that arrived before it. */
  tail(request: Request<{ readonly stream: string }, Tail>): void {
    this.#add({ kind: 'tail', request });
  }

  owed(request: Request<unknown, { readonly streams: readonly string[] }>): void {
    this.#add({ kind: 'owed', request });
  }

  stats(request: Request<unknown, JournalStats>): void {
    this.#add({ kind: 'stats', request });
  }

  #add(waiting: Waiting): void {
    const length = waiting.kind === 'append' ? waiting.length : 0;
    const { most, length: longest } = this.#bounds;
    // One append is taken however long it is: it has been found short enough.
    if (this.#waiting.length >= most || (this.#length > 0 && this.#length + length > longest)) {
      waiting.request.fail(failure('overloaded', 'too much waits to be written to the journal; try again in a moment'));
      return;
    }
    this.#length += length;
    this.#waiting.push(waiting);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#soon(() => this.#flush());
  }

  #flush(): void {
    this.#scheduled = false;
    const group = this.#take();
    const before = this.#seq;
    const outcomes = this.#commit(group);
    let next = 0;
    for (const waiting of group) {
      if (waiting.kind === 'append') {
        const outcome = outcomes[next++];
        if (outcome === undefined) continue;
        if (outcome.ok) waiting.request.reply({ seq: outcome.seq });
        else waiting.request.fail(outcome.error);
      } else this.#look(waiting);
    }
    if (this.#waiting.length > 0) this.#schedule();
    if (this.#seq > before) this.#notify(this.#seq);
  }

  /** The next group, in order of arrival: at least one, at most what the bounds allow. */
  #take(): readonly Waiting[] {
    let rows = 0;
    let length = 0;
    let count = 0;
    /** Payload of the one that was looked at and stays. */
    let over = 0;
    for (const waiting of this.#waiting) {
      if (waiting.kind === 'append') length += waiting.length;
      rows += waiting.kind === 'append' ? waiting.rows : waiting.kind === 'tail' ? TAIL_ROWS : 0;
      if (count > 0 && (rows > this.#maxRows || length > this.#maxLength)) {
        over = waiting.kind === 'append' ? waiting.length : 0;
        break;
      }
      count++;
    }
    this.#length -= length - over;
    if (count === this.#waiting.length) {
      const all = this.#waiting;
      this.#waiting = [];
      return all;
    }
    return this.#waiting.splice(0, count);
  }

  /** Commits a group's appends in one transaction. What memory knows changes only once they are durable. */
  #commit(group: readonly Waiting[]): readonly Outcome[] {
    const outcomes: Outcome[] = [];
    const staged: Staged = { seq: this.#seq, heads: new Map(), audit: null, repeats: 0, conflicts: 0 };
    if (!group.some((waiting) => waiting.kind === 'append')) return outcomes;
    this.#point('journal.gathered');
    try {
      this.#disk.commit(() => {
        for (const waiting of group) {
          if (waiting.kind === 'append') outcomes.push(this.#write(waiting.request.body, staged));
        }
        this.#point('journal.before_commit');
      });
    } catch (thrown) {
      const error = storageFailure(thrown);
      return group.filter((waiting) => waiting.kind === 'append').map(() => ({ ok: false, error }));
    }
    this.#rows += staged.seq - this.#seq;
    if (staged.seq > this.#seq) this.#commits++;
    this.#seq = staged.seq;
    this.#repeats += staged.repeats;
    this.#conflicts += staged.conflicts;
    for (const [stream, head] of staged.heads) this.#disk.setHead(stream, head);
    this.#point('journal.after_commit');
    return outcomes;
  }

  /** One append inside the transaction. It is decided before anything is written, so that one that fails leaves no trace. */
  #write(append: Append, staged: Staged): Outcome {
    const { stream } = append;
    const head = staged.heads.get(stream) ?? this.#disk.head(stream) ?? NO_HEAD;
    if (append.n !== head.n + 1) {
      const seq = append.n <= head.n ? repeatedAt(append, head, (at) => this.#disk.row(at)) : undefined;
      if (seq !== undefined) {
        staged.repeats++;
        return { ok: true, seq };
      }
      staged.conflicts++;
      return {
        ok: false,
        error: failure(
          'conflict',
          `${stream} is at ${head.n}: an append there begins with ${head.n + 1}, not ${append.n}`,
        ),
      };
    }
    const first = staged.seq + 1;
    if (!isAudited(append)) this.#insert(append, head, staged);
    else {
      // What is noted must be written, and what cannot be noted must not be done; the others of the group go on.
      const { seq, audit } = staged;
      const failed = this.#disk.attempt(() => this.#insert(append, head, staged));
      if (failed !== undefined) {
        Object.assign(staged, { seq, audit });
        return { ok: false, error: storageFailure(failed.thrown) };
      }
    }
    return { ok: true, seq: first };
  }

  #insert({ stream, workspace_id, items }: Append, head: Head, staged: Staged): void {
    let { seq: prev, n } = head;
    for (const item of items) {
      const base = staged.seq + 1;
      for (const { type, version, turn_id, payload } of item.records) {
        const seq = staged.seq + 1;
        n += 1;
        this.#disk.insert({ seq, prev, stream, n, at: item.at, type, version, workspace_id, turn_id, payload });
        staged.seq = seq;
        prev = seq;
      }
      for (const seq of item.settles) this.#disk.settle(seq);
      for (const owed of item.owes) this.#disk.owe(base + owed.record, stream, owed.kind);
      for (const note of item.audit ?? []) {
        const row = linkAudit(staged.audit ?? this.#disk.auditHead(), note, item.at, base, this.#disk.digest);
        this.#disk.audit(row);
        staged.audit = { n: row.n, hash: row.hash };
      }
    }
    staged.heads.set(stream, { seq: prev, n });
  }

  #look(waiting: Looking): void {
    try {
      switch (waiting.kind) {
        case 'tail':
          waiting.request.reply(this.#tail(waiting.request.body.stream));
          break;
        case 'owed':
          waiting.request.reply({ streams: this.#disk.owedStreams() });
          break;
        case 'stats':
          waiting.request.reply({
            seq: this.#seq,
            commits: this.#commits,
            rows: this.#rows,
            repeats: this.#repeats,
            conflicts: this.#conflicts,
          });
          break;
      }
    } catch (thrown) {
      waiting.request.fail(storageFailure(thrown));
    }
  }

  #tail(stream: string): Tail {
    const head = this.#disk.head(stream);
    return { n: head?.n ?? 0, rows: head === undefined ? [] : this.#disk.tail(head.seq) };
  }
}

/** Every stream has one append in flight, so it takes this many awake sessions; a writer and a wake-up both try again. */
const WAITING = { most: 65_536, length: 128 * 1024 * 1024 } as const;

/** What a tail counts in a group's bounds: after a start a thousand sessions ask at once, and the first should not wait for the last. */
const TAIL_ROWS = 64;

interface Staged {
  seq: number;
  readonly heads: Map<string, Head>;
  /** The audit's head in this commit; null as long as nothing was noted in it. */
  audit: AuditHead | null;
  repeats: number;
  conflicts: number;
}

const NO_HEAD: Head = { seq: 0, n: 0 };

function storageFailure(thrown: unknown): Failure {
  if (thrown instanceof SigilError) return thrown.failure;
  return failure(
    'storage_failed',
    `the journal could not be used: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
  );
}
