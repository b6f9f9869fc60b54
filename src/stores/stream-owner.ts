// SPDX-License-Identifier: Apache-2.0
// The one writer of a stream that is no session's: decides on the folded state, appends, and answers when it is durable.

import { type Failure, failure } from '../errors.ts';
import type { AuditNote } from './audit.ts';
import { owedErasures } from './erasure.ts';
import type { Append, Committed, Tail } from './journal.ts';
import type { OwedSeqs, Owing } from './owing.ts';
import type { StoredRecord, TailRow } from './records.ts';

/** What came of an ask. */
export type Outcome<T> = { readonly ok: true; readonly body: T } | { readonly ok: false; readonly error: Failure };

/** What a command comes to on a state: records to append (none: nothing changes) and what it answers, or why not. */
export type Decision<R, T> =
  | {
      readonly ok: true;
      readonly records: readonly R[];
      readonly body: T;
      /** What is noted of it, in the same transaction: if that cannot be written, nothing is. */
      readonly audit?: readonly AuditNote[];
    }
  | { readonly ok: false; readonly error: Failure };

/** What a command's sender is told: everything it changed is durable up to `seq`. */
export interface Decided<T> {
  readonly seq: number;
  readonly body: T;
}

export interface StreamOwnerOptions<S, R> {
  readonly stream: string;
  /** Of the rows; empty for what belongs to none. */
  readonly workspace_id: string;
  /** The state of an empty stream. */
  readonly initial: S;
  /**
   * The same anew, where a state is changed in place: one whose change did not become durable is thrown away and read again.
   */
  readonly fresh?: () => S;
  /** What is owed of it; nothing but erasures when not given. */
  readonly owing?: Owing<R>;
  /** Pure. A checkpoint's record gives the state it holds. */
  readonly evolve: (state: S, record: R, at: number) => S;
  /** The record that stands for a state, so that reading a stream stops there. */
  readonly checkpoint: (state: S, owed: OwedSeqs) => R;
  /** Records after which the next append carries a checkpoint: a large state is to be written seldom. */
  readonly checkpointEvery?: (state: S) => number;
  readonly store: (record: R) => StoredRecord;
  /** @throws Error when the record is of a newer Sigil. */
  readonly restore: (row: TailRow) => R;
  readonly append: (append: Append, answered: (outcome: Outcome<Committed>) => void) => void;
  readonly tail: (stream: string, answered: (outcome: Outcome<Tail>) => void) => void;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly after: (ms: number, run: () => void) => () => void;
}

interface Waiting<S, R> {
  readonly decide: (state: S, at: number) => Decision<R, unknown>;
  readonly answered: (outcome: Outcome<Decided<unknown>>) => void;
}

/** Commands that may wait; past it whoever asks is told `overloaded`. */
const WAITING_MOST = 1_024;
/** Commands that are decided and appended together. */
const TOGETHER = 256;
/** Payload that is appended together, in UTF-16 units: the rest goes with the next append. One command is never parted. */
const TOGETHER_LENGTH = 8 * 1024 * 1024;
/** Records after which the next append carries a checkpoint, where nobody says otherwise. */
const CHECKPOINT_EVERY = 64;
/** The pause before what the journal's thread did not answer is asked again, in milliseconds. */
const AGAIN_MS = 50;
/** What a lost thread or a full queue answers: the outcome is unknown or was refused, and the same append is safe to repeat. */
const REPEATED: ReadonlySet<string> = new Set(['thread_lost', 'overloaded', 'deadline_exceeded']);

/**
 * One append is in flight at a time; what comes meanwhile goes together after it. An append whose outcome is unknown is
 * repeated under its number. What `decide` sees are its predecessors' changes too, durable or about to be: if those fail,
 * it fails with them.
 */
export class StreamOwner<S, R> {
  readonly #options: StreamOwnerOptions<S, R>;
  #state: S;
  /** The head's number; null while the stream is not read. */
  #n: number | null = null;
  #seq = 0;
  #since = 0;
  /** What is owed and durable, by name. */
  #owed = new Map<string, number>();
  #busy = false;
  #stopped = false;
  #waiting: Waiting<S, R>[] = [];
  #cancel: () => void = () => undefined;

  constructor(options: StreamOwnerOptions<S, R>) {
    this.#options = options;
    this.#state = options.initial;
  }

  /** Nothing waits and nothing is in flight. */
  get idle(): boolean {
    return !this.#busy && this.#waiting.length === 0;
  }

  /** The folded state as far as it is durable; null while it is not read. */
  get state(): S | null {
    return this.#n === null ? null : this.#state;
  }

  /** The last row this owner has written or found; 0 when there is none. */
  get seq(): number {
    return this.#seq;
  }

  /** Begins to read the stream, so that the first command need not wait for it. */
  load(): void {
    if (this.#n === null && !this.#busy) this.#read();
  }

  /**
   * Decides once all before it is decided; answered when what it changed is durable.
   *
   * @param decide is given the time its records are written under
   */
  submit<T>(decide: (state: S, at: number) => Decision<R, T>, answered: (outcome: Outcome<Decided<T>>) => void): void {
    if (this.#stopped) return answered({ ok: false, error: failure('draining', 'it is coming to an end') });
    if (this.#waiting.length >= WAITING_MOST) {
      const says = `too many changes of ${this.#options.stream} are waiting`;
      return answered({ ok: false, error: failure('overloaded', says) });
    }
    this.#waiting.push({ decide, answered: (outcome) => answered(outcome as Outcome<Decided<T>>) });
    this.#next();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
    this.#fail(this.#waiting.splice(0), failure('draining', 'it is coming to an end'));
  }

  #next(): void {
    if (this.#busy || this.#stopped || this.#waiting.length === 0) return;
    if (this.#n === null) return this.#read();
    this.#busy = true;
    this.#decide(this.#waiting.splice(0, TOGETHER), this.#n);
  }

  #read(): void {
    this.#busy = true;
    const { stream, tail, restore, evolve, initial, fresh } = this.#options;
    tail(stream, (outcome) => {
      if (this.#stopped) return;
      this.#busy = false;
      if (!outcome.ok) {
        if (REPEATED.has(outcome.error.code)) return this.#again(() => this.#read());
        return this.#fail(this.#waiting.splice(0), outcome.error);
      }
      try {
        let state = fresh?.() ?? initial;
        this.#owed = new Map();
        for (const row of outcome.body.rows) {
          const record = restore(row);
          state = evolve(state, record, row.at);
          this.#noteOwed(record, row.seq);
        }
        this.#state = state;
        this.#n = outcome.body.n;
        this.#seq = outcome.body.rows.at(-1)?.seq ?? 0;
        this.#since = outcome.body.rows.length;
      } catch (thrown) {
        const message = thrown instanceof Error ? thrown.message : String(thrown);
        return this.#fail(this.#waiting.splice(0), failure('storage_failed', `${stream}: ${message}`));
      }
      this.#next();
    });
  }

  #decide(waiting: readonly Waiting<S, R>[], n: number): void {
    const { evolve, now, store, checkpoint, stream, workspace_id } = this.#options;
    const at = now();
    const records: StoredRecord[] = [];
    const decided: R[] = [];
    const audit: AuditNote[] = [];
    const decisions: Decision<R, unknown>[] = [];
    let state = this.#state;
    let length = 0;
    for (const { decide } of waiting) {
      const decision = decide(state, at);
      if (decision.ok) {
        const stored = decision.records.map(store);
        const more = stored.reduce((sum, { payload }) => sum + payload.length, 0);
        if (records.length > 0 && length + more > TOGETHER_LENGTH) break;
        for (const record of decision.records) state = evolve(state, record, at);
        records.push(...stored);
        decided.push(...decision.records);
        audit.push(...(decision.audit ?? []));
        length += more;
      }
      decisions.push(decision);
    }
    const group = waiting.slice(0, decisions.length);
    this.#waiting.unshift(...waiting.slice(decisions.length));
    const answer = (): void => {
      for (const [index, { answered }] of group.entries()) {
        const decision = decisions[index];
        if (decision === undefined) continue;
        answered(decision.ok ? { ok: true, body: { seq: this.#seq, body: decision.body } } : decision);
      }
    };
    if (records.length === 0) {
      this.#busy = false;
      answer();
      return this.#next();
    }
    const full = this.#since + records.length >= (this.#options.checkpointEvery?.(state) ?? CHECKPOINT_EVERY);
    const { parts, settles, owed } = this.#owing(decided);
    if (full) records.push(store(checkpoint(state, owed)));
    const item = { at, records, owes: [...owedErasures(records), ...parts], settles };
    const items = [audit.length === 0 ? item : { ...item, audit }];
    const append = { stream, workspace_id, n: n + 1, items };
    this.#append(append, group, (seq) => {
      this.#state = state;
      this.#n = n + records.length;
      this.#seq = seq + records.length - 1;
      decided.forEach((record, index) => {
        this.#noteOwed(record, seq + index);
      });
      this.#since = full ? 1 : this.#since + records.length;
      answer();
    });
  }

  #append(append: Append, group: readonly Waiting<S, R>[], committed: (seq: number) => void): void {
    this.#options.append(append, (outcome) => {
      if (this.#stopped) return this.#fail(group, failure('draining', 'it is coming to an end'));
      if (outcome.ok) {
        this.#busy = false;
        committed(outcome.body.seq);
        return this.#next();
      }
      if (REPEATED.has(outcome.error.code)) return this.#again(() => this.#append(append, group, committed));
      this.#busy = false;
      if (outcome.error.code === 'conflict') {
        // Somebody else has written: what was decided, was decided on less than there is.
        this.#n = null;
        this.#waiting.unshift(...group);
        return this.#next();
      }
      // What was changed in place says more than there is.
      if (this.#options.fresh !== undefined) this.#n = null;
      this.#fail(group, outcome.error);
      this.#next();
    });
  }

  #noteOwed(record: R, seq: number): void {
    const { owing } = this.#options;
    if (owing === undefined) return;
    for (const [name, at] of owing.packed(record)) this.#owed.set(name, at > 0 ? at : seq + at);
    const closed = owing.closes(record);
    if (closed !== null) this.#owed.delete(closed);
    const opened = owing.opens(record);
    if (opened !== null) this.#owed.set(opened, seq);
  }

  /** What these records open and close, and what a checkpoint right behind them says is owed. */
  #owing(records: readonly R[]): {
    readonly parts: readonly { readonly record: number; readonly kind: 'part' }[];
    readonly settles: readonly number[];
    readonly owed: OwedSeqs;
  } {
    const { owing } = this.#options;
    if (owing === undefined) return { parts: [], settles: [], owed: [] };
    const opened = new Map<string, number>();
    const settles: number[] = [];
    const closed = new Set<string>();
    records.forEach((record, index) => {
      const over = owing.closes(record);
      const seq = over === null ? undefined : this.#owed.get(over);
      if (over !== null) {
        closed.add(over);
        opened.delete(over);
      }
      if (seq !== undefined) settles.push(seq);
      const opens = owing.opens(record);
      if (opens !== null) opened.set(opens, index);
    });
    const before = [...this.#owed].filter(([name]) => !closed.has(name));
    return {
      parts: [...opened.values()].map((record) => ({ record, kind: 'part' })),
      settles,
      owed: [...before, ...[...opened].map(([name, index]) => [name, index - records.length] as const)],
    };
  }

  #again(run: () => void): void {
    this.#busy = true;
    this.#cancel = this.#options.after(AGAIN_MS, () => this.#stopped || run());
  }

  #fail(group: readonly Waiting<S, R>[], error: Failure): void {
    for (const { answered } of group) answered({ ok: false, error });
  }
}
