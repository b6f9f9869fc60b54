// SPDX-License-Identifier: Apache-2.0
// How large this thread's room for what is new becomes when much of it outlives a collection.

import { getHeapSpaceStatistics } from 'node:v8';

/** Objects that are kept, and rounds in which all of them are replaced: enough for the room to become as large as it may. */
const KEPT = 300_000;
const ROUNDS = 5;

/** MiB, both halves together, at most. */
export function largestYoungGeneration(): number {
  const kept = new Array<unknown>(KEPT);
  let most = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let at = 0; at < KEPT; at += 1) kept[at] = { round, more: [at] };
    for (const { space_name, space_size } of getHeapSpaceStatistics())
      if (space_name === 'new_space') most = Math.max(most, space_size);
  }
  return Math.round(most / 1_048_576);
}
