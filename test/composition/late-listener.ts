// SPDX-License-Identifier: Apache-2.0
// A thread that listens to the port it was born with only when it is told to.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';

const { port } = workerData as { readonly port: MessagePort };

parentPort?.on('message', (message: 'turn' | 'listen') => {
  if (message === 'turn') return parentPort?.postMessage('turned');
  port.on('message', () => undefined);
  port.on('close', () => {
    parentPort?.postMessage('closed');
    parentPort?.close();
  });
});
