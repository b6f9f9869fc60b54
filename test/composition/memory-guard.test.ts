// SPDX-License-Identifier: Apache-2.0
// What a thread may hold, and what one piece of its work may take; told once, and before that that it comes near.

import { expect, it } from 'vitest';
import { MemoryGuard, type MemoryLimit, PIECE_MOST } from '../../src/composition/memory-guard.ts';

const MIB = 1_048_576;

function stand(limit: Partial<MemoryLimit> = {}) {
  let look = (): void => undefined;
  let resident = 1_024 * MIB;
  const told: string[] = [];
  const guard = new MemoryGuard({
    resident: () => resident,
    calm: 256 * MIB,
    every: (_, run) => {
      look = run;
    },
  });
  let heap = 0;
  let piece = 0;
  const worker = { getHeapStatistics: async () => ({ used_heap_size: heap, external_memory: 0 }) };
  guard.add(worker, {
    most: 700 * MIB,
    piece: () => piece,
    over: (held) => told.push(`over ${held.bytes / MIB} ${held.piece / MIB}`),
    near: () => told.push('near'),
    ...limit,
  });
  return {
    told,
    calm: () => {
      resident = 0;
    },
    /** It holds so much, in MiB, in this piece of work. */
    holds: async (mib: number, of: number) => {
      heap = mib * MIB;
      piece = of;
      look();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

it('ends what one piece of work takes at once, however little the thread held', async () => {
  const it = stand();
  await it.holds(40, 7);
  await it.holds(45, 7);
  expect(it.told).toEqual([]);
  await it.holds(100, 7);
  expect(it.told).toEqual(['near']);
  await it.holds(40 + PIECE_MOST / MIB, 7);
  expect(it.told).toEqual(['near']);
  await it.holds(41 + PIECE_MOST / MIB, 7);
  expect(it.told).toEqual(['near', `over ${41 + PIECE_MOST / MIB} ${1 + PIECE_MOST / MIB}`]);
  await it.holds(900, 7);
  expect(it.told).toHaveLength(2);
});

it("counts a piece anew when the loop has turned, and nobody's work as none", async () => {
  const it = stand();
  for (let at = 1; at <= 12; at += 1) await it.holds(at * 25, at);
  for (let at = 13; at <= 26; at += 1) await it.holds(at * 25, 0);
  expect(it.told).toEqual(['near']);
  await it.holds(701, 0);
  expect(it.told).toEqual(['near', 'over 701 0']);
});

it('asks nobody while the process holds little', async () => {
  const it = stand();
  it.calm();
  await it.holds(900, 1);
  expect(it.told).toEqual([]);
});
