// SPDX-License-Identifier: Apache-2.0
// How a figure is measured: ours and what it is held against take turns in shuffled rounds, the median ratio is quoted with its spread.

/** How much a run may take: `short` is the form that runs with every change. */
export interface Plan {
  readonly rounds: number;
  readonly short: boolean;
}

/** One row's outcome. */
export interface Measured {
  /** What is held against floor and aim: the median of the rounds' ratios, ours to the floor; of a row with a unit its figure. */
  readonly ratio: number;
  readonly floor: number;
  readonly ours: number;
  /** How far the middle half of the floor's own figures lies apart, as a share of their median; of a row without a floor: of its own. */
  readonly spread: number;
  /** What the figure may be off by, in its own unit, where that is known; a figure within it of its aim reaches it. */
  readonly noise?: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** The value below which a share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.round((sorted.length - 1) * share)] ?? Number.NaN;
}

/** The interquartile range as a share of the median. */
export function spreadOf(values: readonly number[]): number {
  return (quantile(values, 0.75) - quantile(values, 0.25)) / median(values);
}

/** A row that is held against nothing: the median of what its rounds gave, in the row's unit. */
export function absolute(values: readonly number[]): Measured {
  const figure = median(values);
  return { ratio: figure, floor: 1, ours: figure, spread: values.length > 1 ? spreadOf(values) : 0 };
}

/** What both gave, round by round. */
export interface Rounds {
  readonly ours: readonly number[];
  readonly floors: readonly number[];
}

/** Runs both in each round, in an order drawn anew every time. */
export async function inTurns(
  rounds: number,
  ours: () => Promise<number>,
  floor: () => Promise<number>,
): Promise<Rounds> {
  const mine: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const oursFirst = Math.random() < 0.5;
    if (oursFirst) mine.push(await ours());
    theirs.push(await floor());
    if (!oursFirst) mine.push(await ours());
  }
  return { ours: mine, floors: theirs };
}

/** The rounds as ratios of ours to the floor. */
export function ratioOf({ ours, floors }: Rounds): Measured {
  const ratios = ours.map((value, at) => value / (floors[at] ?? Number.NaN));
  return { ratio: median(ratios), floor: median(floors), ours: median(ours), spread: spreadOf(floors) };
}

/**
 * What ours has more than the floor, round by round, in the row's unit.
 *
 * @param steadiness the floor's figures that tell whether it was steady: its medians, where the row is about its slowest
 */
export function added(ours: readonly number[], floors: readonly number[], steadiness = floors): Measured {
  const more = ours.map((value, at) => value - (floors[at] ?? Number.NaN));
  return { ratio: median(more), floor: median(floors), ours: median(ours), spread: spreadOf(steadiness) };
}

/** Both in alternating rounds, as a ratio. */
export async function alternate(
  rounds: number,
  ours: () => Promise<number>,
  floor: () => Promise<number>,
): Promise<Measured> {
  return ratioOf(await inTurns(rounds, ours, floor));
}
