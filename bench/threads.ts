// SPDX-License-Identifier: Apache-2.0
// The house without its edge as the benchmarks run it: main's bus and authorities, and every thread, over a data directory.

import { SharedCounter } from '../src/bus/counter.ts';
import { MAIN, threadNames } from '../src/bus/layout.ts';
import { Actors } from '../src/composition/actors.ts';
import { hostAuthorities } from '../src/composition/authorities.ts';
import type { House } from '../src/composition/boot.ts';
import { createContext, type ThreadContext } from '../src/composition/context.ts';
import { DirectoryFeed } from '../src/composition/directory-feed.ts';
import { realWorld } from '../src/composition/real-world.ts';
import { Threads } from '../src/composition/threads.ts';
import { realWorkers } from '../src/composition/workers.ts';

/** Whoever measured messages are of. */
const BENCH = { id: 'bench', name: '', role: 'admin', identities: [] } as const;

const ENTRY = (role: string): URL => new URL(`../src/threads/${role}.ts`, import.meta.url);

/** Starts every thread; one that ends spoils the figure, so it throws. @param entry what a worker of a role begins with */
export async function startThreads(
  { layout, config, data_dir }: Pick<House, 'layout' | 'config' | 'data_dir'>,
  entry = ENTRY,
): Promise<{ readonly context: ThreadContext; readonly stop: () => Promise<void> }> {
  const names = threadNames(layout);
  const cells = (): SharedArrayBuffer => new SharedArrayBuffer(names.length * Int32Array.BYTES_PER_ELEMENT);
  const counters = new SharedArrayBuffer(SharedCounter.bytes(names.length));
  const house = { layout, config, data_dir, counters, beats: cells(), working: cells() };
  const quiet = (): void => undefined;
  const drain = (done: () => void): void => done();
  const context = createContext({ house, index: MAIN, life: 1, world: realWorld, log: quiet, point: quiet, drain });
  const { bus } = context;
  bus.host('gateway', quiet);
  const authorities = new Actors(context);
  hostAuthorities(context, authorities);
  const directory = new DirectoryFeed({ ...config, users: [BENCH] });
  directory.stored(null);
  const threads = new Threads({
    house,
    workers: realWorkers(entry),
    world: realWorld,
    bus,
    directory,
    log: quiet,
    restarted: (thread, reason) => {
      throw new Error(`${thread} ended: ${reason}`);
    },
    quarantined: (thread, error) => {
      throw new Error(`${thread}: ${error.message}`);
    },
  });
  await threads.start();
  const stop = async (): Promise<void> => {
    await threads.stop();
    authorities.stop();
    bus.close();
    context.heartbeat.stop();
  };
  return { context, stop };
}
