// SPDX-License-Identifier: Apache-2.0
// Which cases of a long table a usual run takes: some that the day's seed draws; all of them where the whole is asked for.

/** Whether every case is taken: `npm run test:whole`. */
export const WHOLE = process.env['SIGIL_TEST_WHOLE'] !== undefined;
/** A day has one draw, so that a run can be repeated; the variable brings back that of another. */
const SEED = Number(process.env['SIGIL_TEST_SEED'] ?? Math.floor(Date.now() / 86_400_000));

export interface Drawn<T> {
  readonly cases: readonly T[];
  /** Behind the title of what runs them: how many of how many, and what draws the same again. */
  readonly says: string;
}

/** Draws `some` of the cases, in their order. */
export function drawn<T>(all: readonly T[], some: number): Drawn<T> {
  if (WHOLE || some >= all.length) return { cases: all, says: `all ${all.length}` };
  let state = SEED >>> 0;
  const below = (end: number): number => {
    // mulberry32: small, and the same everywhere.
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % end;
  };
  const left = all.map((_, at) => at);
  const taken = Array.from({ length: some }, () => left.splice(below(left.length), 1)).flat();
  const cases = taken.toSorted((a, b) => a - b).flatMap((at) => all.slice(at, at + 1));
  return { cases, says: `${some} of ${all.length}, drawn with SIGIL_TEST_SEED=${SEED}` };
}

/** As many runs of a property as the whole has, or a fifth of them and at least 20 in a usual run. */
export function usualRuns(whole: number): number {
  return WHOLE ? whole : Math.min(whole, Math.max(20, Math.ceil(whole / 5)));
}
