// SPDX-License-Identifier: Apache-2.0
// Loaded into every thread of a measuring process (`--expose-gc --import`): collects when it is told to, so that a look at
// resident memory sees what is held and not what the collector has not come to yet.

import { BroadcastChannel } from 'node:worker_threads';

const CHANNEL = 'sigil-bench-collect';
/** A collection takes a fraction of this; the system takes the pages back meanwhile. */
const DONE_MS = 700;

const channel = new BroadcastChannel(CHANNEL);
channel.unref();
const collect = (): void => void globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' } as never);
channel.onmessage = collect;

/** Collects in every thread of the process. */
export async function collectAll(): Promise<void> {
  if (globalThis.gc === undefined) throw new Error('start node with --expose-gc --import bench/collect.ts');
  channel.postMessage('');
  collect();
  await new Promise((resolve) => setTimeout(resolve, DONE_MS));
}

/** Node's own flags for a process in which {@link collectAll} reaches every thread. */
export const COLLECTING: readonly string[] = ['--expose-gc', '--import', import.meta.url];
