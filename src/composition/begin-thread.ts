// SPDX-License-Identifier: Apache-2.0
// How every worker begins: it takes up its role at once, or loads what the role needs and waits to be told.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Boot, Prepared, ToWorker } from './boot.ts';
import { killPoints } from './kill-points.ts';
import { realWorld } from './real-world.ts';
import type { StartRole } from './role.ts';
import { startThreadLife, type ThreadLife } from './thread-life.ts';

/** The way to whoever started this worker. @throws Error in what is no worker */
export function rootPort(): MessagePort {
  if (parentPort === null) throw new Error('this is where a worker begins; start the gateway instead');
  return parentPort;
}

/**
 * Begins this worker's life. Each role has a file of its own, so that a thread reads no other's code: read in one piece it is
 * there sooner, and the start of a gateway waits for its threads.
 *
 * @param warm loads what is needed first only when there is something to do: whoever would wait for it then
 */
export async function beginThread(role: StartRole, warm: () => Promise<void> = async () => undefined): Promise<void> {
  const root = rootPort();
  const point = killPoints(process.env['SIGIL_KILL_AT']);
  const begin = (boot: Boot): ThreadLife =>
    startThreadLife({
      boot,
      world: realWorld,
      point,
      say: (message) => root.postMessage(message),
      role: async () => role,
      ended: () => root.close(),
    });
  const born = workerData as Boot | Prepared;
  if ('prepare' in born) {
    // What it is to be comes when it is needed; a life that cannot begin ends the thread, as one that begins at once does.
    let life: ThreadLife | undefined;
    root.on('message', (message: ToWorker) => {
      if (message.say === 'boot') life = begin(message.boot);
      else life?.hear(message);
    });
    // What cannot be loaded now is told to the turn that needs it.
    if (born.warm) await warm().catch(() => undefined);
    return;
  }
  const life = begin(born);
  root.on('message', (message: ToWorker) => life.hear(message));
  await life.started;
}
