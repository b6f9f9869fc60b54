// SPDX-License-Identifier: Apache-2.0
// T12: writes a second to a thousand readers of event streams, and what a reader takes of memory, against bare node:http.

import { inChild } from './child.ts';
import { absolute, inTurns, type Measured, type Plan, ratioOf } from './measured.ts';

/** What one server gave, in a process of its own. */
export interface SseFigures {
  readonly writes_per_s: number;
  /** KiB of resident memory a reader has added, an event written to each. */
  readonly kib_each: number;
}

export interface T12 {
  readonly writes: Measured;
  readonly memory: Measured;
}

/** Each round is a fresh process for either side: memory says nothing in one that has served others before. */
export async function measureT12({ rounds }: Plan): Promise<T12> {
  const kib: number[] = [];
  const side = async (which: 'ours' | 'bare'): Promise<number> => {
    const figures = await inChild<SseFigures>('sse-server.ts', [which], ['--expose-gc']);
    if (which === 'ours') kib.push(figures.kib_each);
    return figures.writes_per_s;
  };
  const writes = await inTurns(
    rounds,
    () => side('ours'),
    () => side('bare'),
  );
  return { writes: ratioOf(writes), memory: absolute(kib) };
}

if (import.meta.main) console.log(await measureT12({ rounds: Number(process.argv[2] ?? 5), short: false }));
