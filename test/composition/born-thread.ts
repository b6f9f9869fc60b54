// SPDX-License-Identifier: Apache-2.0
// A thread that says how it came to be what it is: born so, or made ready and told later.

import { parentPort, workerData } from 'node:worker_threads';
import type { Boot, FromWorker, Prepared, ToWorker } from '../../src/composition/boot.ts';

const born = workerData as Boot | Prepared;
const say = (message: string): void =>
  parentPort?.postMessage({ say: 'log', lines: [{ level: 'info', fields: {}, message }] } satisfies FromWorker);

if ('prepare' in born) {
  parentPort?.on('message', (message: ToWorker) => {
    if (message.say === 'boot') say(`prepared as ${born.prepare}`);
  });
} else {
  say('born');
}
