// SPDX-License-Identifier: Apache-2.0
// The short form of the simulation: some seeds, the kept plans, the same trace in another process, and every planted bug.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CHANNEL_POINTS } from '../../src/composition/kill-points.ts';
import { drawn, WHOLE } from '../drawn.ts';
import { type Plan, POINTS, planOf } from './plan.ts';
import { catchBug, plantedBugs, sourcesWith } from './planted.ts';
import { simulate } from './simulate.ts';

/** As few as pass every named place. */
const SEEDS = WHOLE ? 60 : 20;
const STEPS = 2_000;
/** Seeds a planted bug may take here: its known one comes first, and some behind it for when the sources have moved on. */
const TRIES = 300;
const KEPT = fileURLToPath(new URL('./seeds', import.meta.url));
const RUN = fileURLToPath(new URL('./run.ts', import.meta.url));

const once = new Map<number, ReturnType<typeof simulate>>();
/** What became of a seed, by its first run in this process. */
function firstRun(seed: number): ReturnType<typeof simulate> {
  const run = once.get(seed) ?? simulate(planOf(seed, STEPS));
  once.set(seed, run);
  return run;
}

describe('the simulated gateway', () => {
  it(`keeps every invariant over ${SEEDS} seeds, and passes every named place`, async () => {
    const passed = new Set<string>();
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { broken, places } = await firstRun(seed);
      expect(broken, `npm run sim -- --seed ${seed} --steps ${STEPS}`).toBeUndefined();
      for (const place of places) passed.add(place);
    }
    expect([...passed].toSorted()).toEqual([...POINTS, ...CHANNEL_POINTS].toSorted());
  });

  it('gives the same trace twice in a process, and in another one', async () => {
    for (const seed of WHOLE ? [3, 7] : [3]) {
      const here = await firstRun(seed);
      const again = await simulate(planOf(seed, STEPS));
      const there = execFileSync(process.execPath, [RUN, '--seed', String(seed), '--steps', String(STEPS), '--json']);
      expect(again.hash).toBe(here.hash);
      expect(JSON.parse(String(there))).toMatchObject({ hash: here.hash, steps: here.steps });
    }
  });

  it('gives another trace for another seed', async () => {
    const one = await firstRun(1);
    const other = await firstRun(2);
    expect(one.hash).not.toBe(other.hash);
  });

  it.each(readdirSync(KEPT).filter((file) => file.endsWith('.json')))('does not break again: %s', async (file) => {
    const { plan } = JSON.parse(readFileSync(`${KEPT}/${file}`, 'utf8')) as { readonly plan: Plan };
    const { broken } = await simulate(plan);
    expect(broken, `npm run sim -- --plan test/sim/seeds/${file}`).toBeUndefined();
  });
});

const bugs = drawn(plantedBugs(), 4);
describe(`a planted bug is caught (${bugs.says})`, () => {
  it('by a change of a source that still is as it was', () => {
    for (const bug of plantedBugs()) expect(sourcesWith(bug).size, bug.name).toBeGreaterThan(0);
  });

  it.each(bugs.cases)('$name: $says', (bug) => {
    const { seed } = catchBug(bug, TRIES, STEPS);
    expect(seed, `npm run sim -- --planted --only ${bug.name} --remember`).not.toBeNull();
  });
});
