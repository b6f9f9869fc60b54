// SPDX-License-Identifier: Apache-2.0
// A thread that looks for the collector over and over, beside another that does.

import { parentPort } from 'node:worker_threads';
import { collector } from '../../src/composition/idle-memory.ts';

for (let left = 120; left > 0; left -= 1) collector();
parentPort?.postMessage('rested');
