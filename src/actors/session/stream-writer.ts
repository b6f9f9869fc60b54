// SPDX-License-Identifier: Apache-2.0
// Writes one stream: one append in flight, what comes meanwhile goes as one batch after it, so a repetition can never overtake.

import type { Answer } from '../../bus/envelope.ts';
import type { Failure } from '../../errors.ts';
import type { AuditNote } from '../../stores/audit.ts';
import type { Append, AppendItem, Committed, OwedKind } from '../../stores/journal.ts';
import { owedPart, partName } from '../../stores/outbox.ts';
import type { SessionRecord } from '../../stores/records.ts';

/** Whose stream it is. */
export interface StreamOwner {
  readonly stream: string;
  readonly workspace_id: string;
  append(append: Append<SessionRecord>, answered: (answer: Answer<Committed>) => void): void;
  /** Runs the append again after a while: it may not have reached the journal. */
  later(run: () => void): void;
  /** The seq under which a turn is owed, once its message is durable; or a part, by {@link partName}. */
  owedSeq(turn_id: string): number | undefined;
  /** The seqs of all parts that are owed to channels and durable. */
  owedParts(): readonly number[];
  /** A checkpoint to write right behind these writes' records, if one is due. */
  dueCheckpoint(before: readonly { readonly records: readonly SessionRecord[] }[]): SessionRecord | null;
  /** Nothing is on its way any more. */
  written(): void;
  /** The stream cannot be written any more from here: start again from its log. */
  lost(error: Failure): void;
}

interface Waiting {
  readonly at: number;
  readonly records: readonly SessionRecord[];
  readonly audit: readonly AuditNote[] | undefined;
  durable: (seq: number) => void;
}

/** Outcomes after which the same append is simply made again: it may or may not be in the journal, its number decides. */
const REPEATABLE: ReadonlySet<string> = new Set(['thread_lost', 'deadline_exceeded', 'overloaded']);

export class StreamWriter {
  private readonly owner: StreamOwner;
  private waiting: Waiting[] = [];
  /** What is in flight; null: nothing. */
  private flying: readonly Waiting[] | null = null;
  private closed = false;
  private n: number;

  /** @param n the stream's head: its last number, 0 when it is empty */
  constructor(owner: StreamOwner, n: number) {
    this.owner = owner;
    this.n = n;
  }

  /** Nothing is on its way to the journal. */
  get idle(): boolean {
    return this.flying === null && this.waiting.length === 0;
  }

  /** @param durable called with the seq of the first record, in the order of the writes */
  write(
    at: number,
    records: readonly SessionRecord[],
    durable: (seq: number) => void,
    audit?: readonly AuditNote[],
  ): void {
    this.waiting.push({ at, records, audit, durable });
    if (this.flying === null) this.flush();
  }

  /**
   * Records of several moments that become durable together or not at all.
   *
   * @param durable called with the seq of the first record
   */
  writeTogether(
    parts: readonly { readonly at: number; readonly records: readonly SessionRecord[] }[],
    durable: (seq: number) => void,
  ): void {
    let first = 0;
    parts.forEach(({ at, records }, index) => {
      this.waiting.push({
        at,
        records,
        audit: undefined,
        durable: (seq) => {
          if (index === 0) first = seq;
          if (index === parts.length - 1) durable(first);
        },
      });
    });
    if (this.flying === null) this.flush();
  }

  /** Runs once all that was handed in so far is durable: at once when it is. */
  whenDurable(run: () => void): void {
    const last = this.waiting.at(-1) ?? this.flying?.at(-1);
    if (last === undefined) return run();
    const { durable } = last;
    last.durable = (seq) => {
      durable(seq);
      if (!this.closed) run();
    };
  }

  /** Whatever comes back is not told any more. */
  close(): void {
    this.closed = true;
  }

  private flush(): void {
    const batch = this.waiting;
    this.waiting = [];
    this.flying = batch;
    const n = this.n + 1;
    const items = batch.map((waiting) => toItem(waiting, batch, this.owner));
    for (const item of items) this.n += item.records.length;
    const checkpoint = this.owner.dueCheckpoint(batch);
    if (checkpoint !== null) {
      const at = batch.at(-1)?.at ?? 0;
      items.push({ at, records: [checkpoint], owes: NONE, settles: NONE });
      this.n += 1;
    }
    this.send({ stream: this.owner.stream, workspace_id: this.owner.workspace_id, n, items }, batch);
  }

  private send(append: Append<SessionRecord>, batch: readonly Waiting[]): void {
    this.owner.append(append, (answer) => {
      if (this.closed) return;
      if (!answer.ok) {
        if (REPEATABLE.has(answer.error.code)) this.owner.later(() => this.closed || this.send(append, batch));
        else this.owner.lost(answer.error);
        return;
      }
      let { seq } = answer.body;
      for (const waiting of batch) {
        waiting.durable(seq);
        if (this.closed) return;
        seq += waiting.records.length;
      }
      this.flying = null;
      if (this.waiting.length > 0) this.flush();
      else this.owner.written();
    });
  }
}

/** What is owed is looked up as late as this: a turn may end while its message is still on its way. */
function toItem(
  { at, records, audit }: Waiting,
  batch: readonly Waiting[],
  owner: StreamOwner,
): AppendItem<SessionRecord> {
  let owes: { record: number; kind: OwedKind }[] | undefined;
  let settles: number[] | undefined;
  let index = -1;
  for (const record of records) {
    index += 1;
    if (record.type === 'message_received') {
      // What ends in the breath in which it began is never owed: nobody would know yet what to settle.
      if (endsIn(batch, record.turn_id)) continue;
      owes ??= [];
      owes.push({ record: index, kind: 'turn' });
    } else if (record.type === 'session_deleted' || record.type === 'summary_erased') {
      owes ??= [];
      owes.push({ record: index, kind: 'erasure' });
      // Nobody is told any more what was said in it.
      const parts = owner.owedParts();
      if (parts.length > 0) settles = [...(settles ?? []), ...parts];
    } else {
      if (owedPart(record) !== null) {
        owes ??= [];
        owes.push({ record: index, kind: 'part' });
      }
      const over = overWith(record);
      const seq = over === undefined ? undefined : owner.owedSeq(over);
      if (seq === undefined) continue;
      settles ??= [];
      settles.push(seq);
    }
  }
  const item = { at, records, owes: owes ?? NONE, settles: settles ?? NONE };
  return audit === undefined ? item : { ...item, audit };
}

const NONE: readonly never[] = [];

/** What is owed no more from this record on: a turn that is over or whose message another answers, a part its channel has. */
function overWith(record: SessionRecord): string | undefined {
  switch (record.type) {
    case 'turn_finished':
    case 'turn_failed':
      return record.turn_id;
    case 'message_collected':
    case 'message_steered':
      return record.waited_as;
    case 'reply_handed':
    case 'reply_lost':
      return partName(record.key);
    default:
      return undefined;
  }
}

function endsIn(batch: readonly Waiting[], turn_id: string): boolean {
  return batch.some(({ records }) => records.some((record) => overWith(record) === turn_id));
}
