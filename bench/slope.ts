// SPDX-License-Identifier: Apache-2.0
// T16: what a turn leaves behind in memory, once everything is warm: the resident memory of the whole process after a
// collection in every thread, looked at every few thousand turns in the same thousand sessions; the slope through all looks.

import { newSessionId } from '../src/actors/channel/place.ts';
import { inChild } from './child.ts';
import { COLLECTING, collectAll } from './collect.ts';
import { inParallel, openHouse, residentMb } from './house.ts';
import type { Measured, Plan } from './measured.ts';

const SESSIONS = 1_000;
const WORKSPACES = 16;
const IN_FLIGHT = 256;

interface Size {
  /** Turns before the first look: keys, windows and rings of a session fill, code is compiled, files reach their size. */
  readonly warm: number;
  readonly turns: number;
  readonly looks: number;
}

const SIZES = {
  full: { warm: 40_000, turns: 100_000, looks: 10 },
  short: { warm: 12_000, turns: 12_000, looks: 4 },
} as const satisfies Readonly<Record<string, Size>>;

export interface SlopeFigures {
  /** Resident memory at each look, MiB. */
  readonly resident_mb: readonly number[];
  /** KiB a turn, and what it may be off by. */
  readonly slope: number;
  readonly noise: number;
}

/** The slope of the least-squares line, and its standard error. */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): { slope: number; error: number } {
  const n = points.length;
  const mean = (of: (point: readonly [number, number]) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / n;
  const [mx, my] = [mean(([x]) => x), mean(([, y]) => y)];
  const sxx = points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
  const slope = points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0) / sxx;
  const rest = points.reduce((sum, [x, y]) => sum + (y - my - slope * (x - mx)) ** 2, 0);
  return { slope, error: Math.sqrt(rest / Math.max(1, n - 2) / sxx) };
}

async function run({ warm, turns, looks }: Size): Promise<SlopeFigures> {
  const house = await openHouse({});
  const ids = Array.from({ length: SESSIONS }, (_, at) => newSessionId('bench', 'bench', String(at)));
  let said = 0;
  const work = (count: number): Promise<void> =>
    inParallel(count, IN_FLIGHT, async () => {
      const nth = said;
      said += 1;
      const at = nth % SESSIONS;
      await house.turn(ids[at] ?? '', `bench-${at % WORKSPACES}`, 'hello there', `m-${nth}`);
    });
  await work(warm);
  const points: (readonly [number, number])[] = [];
  for (let look = 0; look <= looks; look += 1) {
    if (look > 0) await work(turns / looks);
    await house.viewed();
    await collectAll();
    points.push([said, residentMb() * 1_024]);
    console.error(`${said} turns, ${Math.round(residentMb())} MiB`);
  }
  await house.close();
  const { slope, error } = slopeOf(points);
  // Twice the standard error: what nineteen of twenty runs stay within.
  return { resident_mb: points.map(([, kib]) => kib / 1_024), slope, noise: 2 * error };
}

/** KiB of resident memory a turn leaves behind. The short form has fewer turns, so its noise is larger. */
export async function measureT16({ short }: Plan): Promise<Measured> {
  const { slope, noise } = await inChild<SlopeFigures>('slope.ts', [short ? 'short' : 'full'], COLLECTING);
  return { ratio: slope, floor: 1, ours: slope, spread: 0, noise };
}

if (import.meta.main) console.log(JSON.stringify(await run(SIZES[process.argv[2] === 'full' ? 'full' : 'short'])));
