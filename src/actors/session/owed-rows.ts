// SPDX-License-Identifier: Apache-2.0
// Which rows of a session's stream say what it still owes: receipts whose turns are not over, and parts of answers no channel has taken.

import { type Outgoing, owedPart, partName } from '../../stores/outbox.ts';
import type { SessionRecord } from '../../stores/records.ts';
import type { SessionState } from '../../stores/session-state.ts';
import { Few } from './few.ts';

export class OwedRows {
  /** The seqs, by turn and by the name of a part. */
  private readonly seqs = new Few<number>();

  constructor(owed: ReadonlyMap<string, number>) {
    for (const [name, seq] of owed) this.seqs.set(name, seq);
  }

  /** The row that brought a turn's message; undefined when that turn owes nothing any more. */
  receiptOf(turn_id: string): number | undefined {
    return this.seqs.get(turn_id);
  }

  /** The rows of parts. */
  ofParts(outbox: readonly Outgoing[]): readonly number[] {
    return outbox.flatMap(({ key }) => this.seqs.get(partName(key)) ?? []);
  }

  /** A record became durable at this seq. */
  note(record: SessionRecord, seq: number): void {
    switch (record.type) {
      case 'message_received':
        this.seqs.set(record.turn_id, seq);
        break;
      case 'turn_finished':
      case 'turn_failed':
        this.seqs.delete(record.turn_id);
        break;
      case 'message_collected':
      case 'message_steered':
        this.seqs.delete(record.waited_as);
        break;
      case 'reply_handed':
      case 'reply_lost':
        this.seqs.delete(partName(record.key));
        break;
      default:
        break;
    }
    const part = owedPart(record);
    if (part !== null) this.seqs.set(partName(part), seq);
  }

  /**
   * What a checkpoint of a state says is owed, and where that stands.
   *
   * @param before what is written just before it: where it lies is counted back from the checkpoint's own row
   */
  inCheckpoint(
    { turn, waiting, outbox }: SessionState,
    before: readonly SessionRecord[],
  ): readonly (readonly [string, number])[] {
    const counted = (is: (record: SessionRecord) => boolean): number => before.findIndex(is) - before.length;
    const open = [...(turn === null ? [] : [turn.turn_id]), ...waiting.map(({ turn_id }) => turn_id)];
    const receipts = open.map((turn_id) => {
      const seq = this.seqs.get(turn_id);
      const own = (record: SessionRecord): boolean => record.type === 'message_received' && record.turn_id === turn_id;
      return [turn_id, seq ?? counted(own)] as const;
    });
    const parts = outbox.map(({ key }) => {
      const name = partName(key);
      return [name, this.seqs.get(name) ?? counted((record) => owedPart(record) === key)] as const;
    });
    return [...receipts, ...parts];
  }
}
