// SPDX-License-Identifier: Apache-2.0
// A kill at every named place, life after life over one data directory; a place that is never passed is a problem of its own.

import { KILL_POINTS } from '../../src/composition/kill-points.ts';
import { added, type Figures } from './figures.ts';
import { everyPoint } from './plan.ts';
import { playRound } from './round.ts';

export interface PointsOptions {
  readonly seed: number;
  readonly clients: number;
  readonly keep: boolean;
  /** The how manieth time a place is passed is killed at; a round for each. */
  readonly passes: readonly number[];
}

/** How long a place may take to be passed, in milliseconds. */
const PATIENCE_MS = 6_000;

export async function killAtEveryPoint(options: PointsOptions): Promise<Figures & { readonly places: number }> {
  const { seed, clients, keep, passes } = options;
  console.log(
    `crash: at ${KILL_POINTS.length} named places, ${passes.map((nth) => `${nth}.`).join(', ')} time, seed ${seed}`,
  );
  const reached = new Set<string>();
  let sum: Figures | undefined;
  const problems: string[] = [];
  for (const nth of passes) {
    const round = await playRound({
      seed: seed + nth,
      clients,
      keep,
      lives: everyPoint(nth),
      patience_ms: PATIENCE_MS,
      lived: ({ kill }, killed) => {
        if (!killed && kill.kind === 'point') console.log(`  ${kill.point}:${kill.nth} was not passed`);
      },
    });
    for (const point of round.reached) reached.add(point);
    problems.push(...round.problems);
    sum = sum === undefined ? round.figures : added(sum, round.figures);
    console.log(`  the ${nth}. time: ${round.figures.kills_at_points} places, ${round.problems.length} problems`);
    if (round.kept !== null) console.log(`  data kept in ${round.kept}`);
  }
  for (const point of KILL_POINTS) if (!reached.has(point)) problems.push(`${point} is never passed`);
  for (const problem of problems.slice(0, 30)) console.log(`  PROBLEM ${problem}`);
  if (sum === undefined) throw new Error('nothing was played');
  return { ...sum, problems: problems.length, places: reached.size };
}
