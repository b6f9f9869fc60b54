// SPDX-License-Identifier: Apache-2.0
// How a figure is measured: ours and what it is held against take turns in shuffled rounds, the median ratio is quoted with its spread.

/** One row's outcome. */
export interface Measured {
  /** The median of the rounds' ratios, ours to the floor. */
  readonly ratio: number;
  readonly floor: number;
  readonly ours: number;
  /** How far the middle half of the floor's own figures lies apart, as a share of their median. */
  readonly spread: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** The interquartile range as a share of the median. */
export function spreadOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round((sorted.length - 1) * share)] ?? Number.NaN;
  return (at(0.75) - at(0.25)) / median(values);
}

/** Runs both in each round, in an order drawn anew every time. */
export async function alternate(
  rounds: number,
  ours: () => Promise<number>,
  floor: () => Promise<number>,
): Promise<Measured> {
  const mine: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const oursFirst = Math.random() < 0.5;
    if (oursFirst) mine.push(await ours());
    theirs.push(await floor());
    if (!oursFirst) mine.push(await ours());
  }
  const ratios = mine.map((value, at) => value / (theirs[at] ?? Number.NaN));
  return { ratio: median(ratios), floor: median(theirs), ours: median(mine), spread: spreadOf(theirs) };
}
