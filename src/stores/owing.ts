// SPDX-License-Identifier: Apache-2.0
// What of a stream is open and taken up again after a crash, by names of its owner's.

/** Names with the seqs they are owed under. */
export type OwedSeqs = readonly (readonly [name: string, seq: number])[];

/** What a stream's records say of what is owed. */
export interface Owing<R> {
  /** What is owed from this record on. */
  opens(record: R): string | null;
  /** What is owed no longer. */
  closes(record: R): string | null;
  /** What a checkpoint says is owed: names, and seqs counted from its own row where they are not above 0. */
  packed(record: R): OwedSeqs;
}
