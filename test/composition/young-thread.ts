// SPDX-License-Identifier: Apache-2.0
// A thread that says how large its room for what is new becomes.

import { parentPort } from 'node:worker_threads';
import type { FromWorker } from '../../src/composition/boot.ts';
import { largestYoungGeneration } from './young-generation.ts';

const message = `${largestYoungGeneration()} MiB`;
parentPort?.postMessage({ say: 'log', lines: [{ level: 'info', fields: {}, message }] } satisfies FromWorker);
