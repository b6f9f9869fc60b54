// SPDX-License-Identifier: Apache-2.0
// Ports between threads: what their other end does is heard by whoever begins to listen late.

import { once } from 'node:events';
import { type TransferListItem, Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { realWorkers } from '../../src/composition/workers.ts';

/** Turns of the thread's loop in which the close arrives and nobody listens yet. */
const TURNS = 50;

it('tells a thread that listens late that the other end has gone before it ever said anything', async () => {
  const [own, its] = realWorkers(new URL('file:///nowhere')).channel();
  const port = its as unknown as TransferListItem;
  const worker = new Worker(new URL('./late-listener.ts', import.meta.url), {
    workerData: { port },
    transferList: [port],
  });
  own.close();
  for (let turn = 0; turn < TURNS; turn += 1) {
    worker.postMessage('turn');
    await once(worker, 'message');
  }
  worker.postMessage('listen');
  expect(await once(worker, 'message')).toEqual(['closed']);
});
