// SPDX-License-Identifier: Apache-2.0
// The rows of the benchmark: what is measured, against what, the floor it must keep and the aim it is known for.

import { measureT5, measureT6 } from './bus.ts';
import { measureT11 } from './edge.ts';
import { measureT9 } from './journal.ts';
import type { Measured } from './measured.ts';
import { measureStart } from './start.ts';
import { measureT2 } from './turns.ts';

export interface Row {
  readonly id: string;
  readonly title: string;
  readonly against: string;
  /** Whether a larger ratio is better. */
  readonly better: 'more' | 'less';
  readonly floor: number;
  readonly aim: number;
  /** A row known to miss its floor: it is shown as missed, and the run fails only when it is worse than this. */
  readonly known?: number;
  /** How the figures are written: as a ratio, or as MiB. */
  readonly unit: 'ratio' | 'MiB';
  readonly ours: string;
  readonly measured: Measured;
}

type Spec = Omit<Row, 'measured'>;

const THROUGHPUT: readonly (Spec & { readonly measure: (rounds: number) => Promise<Measured> })[] = [
  {
    ...{ id: 'T2', title: 'durable turns on the bus, 1,000 sessions, offline model', ours: 'turns/s' },
    ...{
      against: 'bare state charts + bare group commit, the same model and rows',
      better: 'more',
      floor: 0.5,
      aim: 0.7,
      known: 0.28,
      unit: 'ratio',
    },
    measure: measureT2,
  },
  {
    ...{ id: 'T5', title: 'bus messages between two threads', ours: 'messages/s' },
    ...{ against: 'bare postMessage of arrays of 64', better: 'more', floor: 0.35, aim: 0.6, unit: 'ratio' },
    measure: measureT5,
  },
  {
    ...{ id: 'T6', title: 'bus round trip, p50', ours: 'µs' },
    ...{ against: 'bare round trip', better: 'less', floor: 2, aim: 1.3, unit: 'ratio' },
    measure: measureT6,
  },
  {
    ...{ id: 'T9', title: 'rows through the journal, FULL', ours: 'rows/s' },
    ...{ against: 'bare better-sqlite3, groups of 64, FULL', better: 'more', floor: 0.5, aim: 0.8, unit: 'ratio' },
    measure: async (rounds) => measureT9(rounds),
  },
  {
    ...{ id: 'T11', title: 'HTTP POST with guard, auth, request id', ours: 'requests/s' },
    ...{ against: 'bare node:http', better: 'more', floor: 0.4, aim: 0.6, unit: 'ratio' },
    measure: measureT11,
  },
];

const START: readonly (Spec & { readonly figure: 'version' | 'status' | 'ready' | 'idle_mb' })[] = [
  {
    ...{ id: 'T13a', title: '`sigil version`', against: '`node -e 0`', ours: 'ms' },
    ...{ better: 'less', floor: 2, aim: 1.3, unit: 'ratio', figure: 'version' },
  },
  {
    ...{ id: 'T13b', title: '`sigil status`', against: '`node -e 0`', ours: 'ms' },
    ...{ better: 'less', floor: 3, aim: 1.6, unit: 'ratio', figure: 'status' },
  },
  {
    ...{ id: 'T14', title: 'start to `/ready`', against: '`node -e 0`', ours: 'ms' },
    ...{ better: 'less', floor: 10, aim: 5, unit: 'ratio', figure: 'ready' },
  },
  {
    ...{ id: 'T15', title: 'memory of an idle gateway', against: '–', ours: 'MiB' },
    ...{ better: 'less', floor: 160, aim: 110, unit: 'MiB', figure: 'idle_mb' },
  },
];

export const ROW_IDS: readonly string[] = [...THROUGHPUT, ...START].map(({ id }) => id);

/** A floor that varies more than this between its rounds says nothing: it is measured again, a few times at most. */
export const MOST_SPREAD = 0.25;
const TRIES = 3;

async function steady(measure: () => Promise<Measured>): Promise<Measured> {
  let best = await measure();
  for (let tries = 1; tries < TRIES && best.spread > MOST_SPREAD; tries += 1) {
    const next = await measure();
    if (next.spread < best.spread) best = next;
  }
  return best;
}

/** Measures the rows whose id begins with one of `only` (all when empty), telling of each as it is done. */
export async function measureRows(
  rounds: number,
  only: readonly string[],
  told: (row: Row) => void,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const wanted = (id: string): boolean => only.length === 0 || only.some((prefix) => id.startsWith(prefix));
  const add = (row: Row): void => {
    rows.push(row);
    told(row);
  };
  for (const { measure, ...spec } of THROUGHPUT)
    if (wanted(spec.id)) add({ ...spec, measured: await steady(() => measure(rounds)) });
  if (START.some(({ id }) => wanted(id))) {
    const figures = await measureStart(rounds);
    for (const { figure, ...spec } of START) if (wanted(spec.id)) add({ ...spec, measured: figures[figure] });
  }
  return rows;
}
