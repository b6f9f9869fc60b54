// SPDX-License-Identifier: Apache-2.0
// What a change of the file comes to for a gateway that runs: which keys it takes up by itself, and which wait for a restart.

import { changedPaths, dotted, EFFECTS, effectOf } from '../config/change.ts';
import type { LoadResult } from '../config/load.ts';
import type { Path } from '../config/walk.ts';
import type { Output } from './output.ts';
import { oneLine } from './terminal-text.ts';

/** Dotted keys whose value is another than before. */
export interface ChangeEffects {
  readonly live: readonly string[];
  readonly restart: readonly string[];
}

/** Keys written out for a person. */
const SHOWN_MOST = 12;

const begins = (path: Path, other: Path): boolean => path.every((key, at) => String(key) === String(other[at]));

/** The keys a path may touch, where nobody knows what was in force before. */
function touched(path: Path): readonly Path[] {
  if (effectOf(path) !== undefined) return [path];
  return Object.keys(EFFECTS)
    .map((row) => row.split('.'))
    .filter((row) => begins(path, row));
}

/**
 * Compares the file before and after: a value that is the default anyway, or that the environment decides, changes nothing.
 *
 * @param path what was changed, which is all there is to go by where the file was not valid before
 */
export function effectsOf(before: LoadResult, after: LoadResult, path: Path): ChangeEffects {
  const paths = before.ok && after.ok ? changedPaths(before.declared, after.declared) : touched(path);
  const of = (effect: 'live' | 'restart'): readonly string[] =>
    paths.filter((one) => effectOf(one) === effect).map(dotted);
  return { live: of('live'), restart: of('restart') };
}

function keysText(keys: readonly string[]): string {
  const some = keys.slice(0, SHOWN_MOST).map(oneLine).join(', ');
  return keys.length > SHOWN_MOST ? `${some} and ${keys.length - SHOWN_MOST} more` : some;
}

/** Tells a person; nothing where nothing changes. */
export function tellEffects({ live, restart }: ChangeEffects, output: Output): void {
  const { yellow } = output.notePaint;
  const waits = yellow('waits for a restart:');
  if (live.length > 0) output.note(`a running gateway takes up by itself: ${keysText(live)}`);
  if (restart.length > 0) output.note(`${waits} ${keysText(restart)}`);
}
