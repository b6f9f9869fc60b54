// SPDX-License-Identifier: Apache-2.0
// Writes one stream: one append in flight, what comes meanwhile goes as one batch after it, so a repetition can never overtake.

import type { Answer } from '../../bus/envelope.ts';
import type { Failure } from '../../errors.ts';
import type { Append, AppendItem, Committed } from '../../stores/journal.ts';
import { type SessionRecord, type StoredRecord, store } from '../../stores/records.ts';

export interface StreamWriterOptions {
  readonly stream: string;
  /** The stream's head: its last number, 0 when it is empty. */
  readonly n: number;
  readonly workspace: () => string;
  readonly append: (append: Append, answered: (answer: Answer<Committed>) => void) => void;
  /** Runs the append again after a while: it may not have reached the journal. */
  readonly later: (run: () => void) => void;
  /** A checkpoint to write right behind these writes' records, if one is due. */
  readonly checkpoint: (before: readonly { readonly records: readonly SessionRecord[] }[]) => SessionRecord | null;
  /** The stream cannot be written any more from here: start again from its log. */
  readonly lost: (error: Failure) => void;
}

interface Waiting {
  readonly at: number;
  readonly records: readonly SessionRecord[];
  readonly settles: readonly number[];
  readonly durable: (seq: number) => void;
}

/** Outcomes after which the same append is simply made again: it may or may not be in the journal, its number decides. */
const REPEATABLE: ReadonlySet<string> = new Set(['thread_lost', 'deadline_exceeded', 'overloaded']);

export class StreamWriter {
  private readonly options: StreamWriterOptions;
  private waiting: Waiting[] = [];
  private flying = false;
  private closed = false;
  private n: number;

  constructor(options: StreamWriterOptions) {
    this.options = options;
    this.n = options.n;
  }

  /** Nothing is on its way to the journal. */
  get idle(): boolean {
    return !this.flying && this.waiting.length === 0;
  }

  /**
   * @param settles seqs of the rows these records close
   * @param durable called with the seq of the first record, in the order of the writes
   */
  write(
    at: number,
    records: readonly SessionRecord[],
    settles: readonly number[],
    durable: (seq: number) => void,
  ): void {
    this.waiting.push({ at, records, settles, durable });
    if (!this.flying) this.flush();
  }

  /** Whatever comes back is not told any more. */
  close(): void {
    this.closed = true;
  }

  private flush(): void {
    const batch = this.waiting;
    this.waiting = [];
    this.flying = true;
    const n = this.n + 1;
    const items = batch.map(toItem);
    for (const item of items) this.n += item.records.length;
    const checkpoint = this.options.checkpoint(batch);
    if (checkpoint !== null) {
      const at = batch.at(-1)?.at ?? 0;
      items.push({ at, records: [store(checkpoint)], owes: [], settles: [] });
      this.n += 1;
    }
    this.send({ stream: this.options.stream, workspace_id: this.options.workspace(), n, items }, batch);
  }

  private send(append: Append, batch: readonly Waiting[]): void {
    this.options.append(append, (answer) => {
      if (this.closed) return;
      if (!answer.ok) {
        if (REPEATABLE.has(answer.error.code)) this.options.later(() => this.closed || this.send(append, batch));
        else this.options.lost(answer.error);
        return;
      }
      let { seq } = answer.body;
      for (const { records, durable } of batch) {
        durable(seq);
        if (this.closed) return;
        seq += records.length;
      }
      this.flying = false;
      if (this.waiting.length > 0) this.flush();
    });
  }
}

function toItem({ at, records, settles }: Waiting): AppendItem {
  const owes: { record: number; kind: 'turn' }[] = [];
  const stored: StoredRecord[] = [];
  for (const record of records) {
    if (record.type === 'message_received') owes.push({ record: stored.length, kind: 'turn' });
    stored.push(store(record));
  }
  return { at, records: stored, owes, settles };
}
