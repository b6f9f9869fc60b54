// SPDX-License-Identifier: Apache-2.0
// A thread that can be born but not made ready beforehand.

import { parentPort, workerData } from 'node:worker_threads';
import type { Boot, FromWorker, Prepared } from '../../src/composition/boot.ts';

if ('prepare' in (workerData as Boot | Prepared)) throw new Error('it cannot be made ready');
parentPort?.postMessage({ say: 'log', lines: [{ level: 'info', fields: {}, message: 'born' }] } satisfies FromWorker);
