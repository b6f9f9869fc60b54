// SPDX-License-Identifier: Apache-2.0
// States and counts of actors in words.

import { number, object } from './json-reading.ts';
import { oneLine } from './terminal-text.ts';

/** A state value in words: `turn.calling_model` for a nested one. */
export function stateText(state: unknown): string {
  if (typeof state === 'string') return oneLine(state);
  return Object.entries(object(state))
    .map(([key, below]) => {
      const rest = stateText(below);
      return rest === '' ? oneLine(key) : `${oneLine(key)}.${rest}`;
    })
    .join(' ');
}

/** A count of things that have a regular plural: `1 actor`, `2 actors`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

/** Counts by name, the largest first. */
export function countsText(counts: unknown): string {
  return Object.entries(object(counts))
    .toSorted(([, a], [, b]) => number(b) - number(a))
    .map(([name, count]) => `${number(count)} ${oneLine(name)}`)
    .join(', ');
}
