// SPDX-License-Identifier: Apache-2.0
// The threads every gateway has, begun before it is known what they are to be: they load while the configuration is read.

import { realWorkers, type WorkerHost } from './workers.ts';

/** The file a worker begins with: beside the program's own, in a checkout and in what is published. */
export const THREAD_ENTRY = new URL(import.meta.url.endsWith('.ts') ? '../thread.ts' : './thread.js', import.meta.url);

/** Those whose lives are the same whatever the configuration says, but for the bounds of a lane. */
const ALWAYS = ['journal', 'lane-1', 'views', 'read'] as const;
/** The default of `gateway.awake_max`; where it is another, the lane begins anew. */
const AWAKE_MAX = 5_000;

/** Where a gateway's threads come from. */
export function threadWorkers(): WorkerHost {
  return realWorkers(THREAD_ENTRY);
}

/** The same, with the first of them on their way. */
export function earlyThreads(): WorkerHost {
  const workers = threadWorkers();
  for (const name of ALWAYS) workers.prepare?.(name, AWAKE_MAX, 'cold');
  return workers;
}
