// SPDX-License-Identifier: Apache-2.0
// What kills over data add up to.

/** What is killed. */
export const KINDS = ['projection', 'migration', 'backup', 'restore', 'retention', 're-embedding'] as const;
export type Kind = (typeof KINDS)[number];

export interface Figures {
  /** Processes that were killed while they did it. One that was done before is no kill, and another one is. */
  kills: Record<Kind, number>;
  /** Of those, the ones that left something for the next start to finish or to forget. */
  unfinished: Record<Kind, number>;
  /** Rows of the journal that were compared, and those trimmed from it. */
  rows: number;
  trimmed: number;
  /** Restores that a kill after their decision did not prevent. */
  restored: number;
  problems: number;
}

const none = (): Record<Kind, number> => ({
  projection: 0,
  migration: 0,
  backup: 0,
  restore: 0,
  retention: 0,
  're-embedding': 0,
});

export const noFigures = (): Figures => ({
  kills: none(),
  unfinished: none(),
  rows: 0,
  trimmed: 0,
  restored: 0,
  problems: 0,
});

/** Adds a round to the sum. */
export function add(sum: Figures, round: Figures): void {
  for (const kind of KINDS) {
    sum.kills[kind] += round.kills[kind];
    sum.unfinished[kind] += round.unfinished[kind];
  }
  for (const name of ['rows', 'trimmed', 'restored', 'problems'] as const) sum[name] += round[name];
}

export const killsIn = ({ kills }: Figures): number => Object.values(kills).reduce((all, one) => all + one, 0);

/** No turn answers a second message: the version before, which migrations begin with, had none that do. */
export const JOINS = false;
