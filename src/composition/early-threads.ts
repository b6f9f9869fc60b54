// SPDX-License-Identifier: Apache-2.0
// The threads every gateway has, begun before it is known what they are to be: they load while the configuration is read.

import { realWorkers, type WorkerHost } from './workers.ts';

/** What is published lies flat, each thread with all it reads at the start in one piece. */
const published = !import.meta.url.endsWith('.ts');

/** The file a worker of this role begins with. */
export function threadEntry(role: string): URL {
  return new URL(published ? `./thread-${role}.js` : `../threads/${role}.ts`, import.meta.url);
}

/** Those whose lives are the same whatever the configuration says, but for the bounds of a lane. */
const ALWAYS = ['journal', 'lane-1', 'views'] as const;
/** The default of `gateway.awake_max`; where it is another, the lane begins anew. */
const AWAKE_MAX = 5_000;

/** Where a gateway's threads come from. */
export function threadWorkers(): WorkerHost {
  return realWorkers(threadEntry);
}

/** The same, with the first of them on their way. */
export function earlyThreads(): WorkerHost {
  const workers = threadWorkers();
  for (const name of ALWAYS) workers.prepare?.(name, AWAKE_MAX, 'cold');
  return workers;
}
