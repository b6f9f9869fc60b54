// SPDX-License-Identifier: Apache-2.0
// Bugs planted in the sources as they are read: the simulation must catch every one of them, or it proves little.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const ROOT = new URL('../..', import.meta.url);
const RUN = fileURLToPath(new URL('./run.ts', import.meta.url));
const PLANT = new URL('./plant.ts', import.meta.url).href;
const PLANTED = fileURLToPath(new URL('./planted', import.meta.url));

/** Within how many seeds, from 1, every one must be caught. */
export const CAUGHT_WITHIN = 2_000;

const Bug = z.strictObject({
  /** What goes wrong, in one sentence. */
  says: z.string(),
  /** A seed known to catch it, which is tried first: one of those it must be caught by anyway. */
  seed: z.number().int().min(1).max(CAUGHT_WITHIN),
  /** Each `find` must be in its file exactly once. */
  edits: z.array(z.strictObject({ file: z.string(), find: z.string(), replace: z.string() })).min(1),
});
export type Bug = z.output<typeof Bug> & { readonly name: string };

export interface Caught {
  readonly name: string;
  readonly says: string;
  /** Null: no seed caught it. */
  readonly seed: number | null;
  readonly rule: string;
  readonly text: string;
  /** Seeds it took. */
  readonly tried: number;
  readonly seconds: number;
}

export function plantedBugs(): readonly Bug[] {
  return readdirSync(PLANTED)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => ({
      ...Bug.parse(JSON.parse(readFileSync(join(PLANTED, file), 'utf8'))),
      name: file.slice(0, -'.json'.length),
    }));
}

/** The files a bug is in, by URL, with it in them. @throws Error when one of its edits does not apply any more */
export function sourcesWith(bug: Bug): ReadonlyMap<string, string> {
  const sources = new Map<string, string>();
  for (const { file, find, replace } of bug.edits) {
    const url = new URL(file, ROOT).href;
    const source = sources.get(url) ?? readFileSync(new URL(url), 'utf8');
    const times = source.split(find).length - 1;
    if (times !== 1) throw new Error(`${bug.name}: what is to be replaced is ${times} times in ${file}`);
    sources.set(
      url,
      source.replace(find, () => replace),
    );
  }
  return sources;
}

/** Runs the simulation over one planted bug, its known seed first. @param most seeds it may take */
export function catchBug(bug: Bug, most: number, steps: number): Caught {
  const began = performance.now();
  const { name, says } = bug;
  const args = ['--hunt', '--json', '--first', String(bug.seed), '--seeds', String(most), '--steps', String(steps)];
  const child = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--import', PLANT, RUN, ...args],
    {
      env: { ...process.env, PLANTED_BUG: name },
      encoding: 'utf8',
    },
  );
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  if (child.status !== 0 && child.status !== 1) {
    throw new Error(`${name}: the simulation itself failed: ${child.stderr.slice(-2_000)}`);
  }
  const told = JSON.parse(child.stdout) as {
    seeds: number;
    broken: readonly { seed: number; rule: string; text: string }[];
  };
  const [found] = told.broken;
  return {
    name,
    says,
    seed: found?.seed ?? null,
    rule: found?.rule ?? '',
    text: found?.text ?? '',
    tried: told.seeds,
    seconds,
  };
}

/** Remembers the seed that caught a bug. */
export function remember(bug: Bug, seed: number): void {
  const { name, ...rest } = bug;
  writeFileSync(join(PLANTED, `${name}.json`), `${JSON.stringify({ ...rest, seed }, null, 2)}\n`);
}
