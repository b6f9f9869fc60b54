// SPDX-License-Identifier: Apache-2.0
// How V8 collects, for the whole process: set once, before the first worker begins.

import { setFlagsFromString } from 'node:v8';

/**
 * Each thread collects its own young generation. Helpers shared by six isolates contend for the same few processors, and
 * what they spend on finding work is more than the work.
 */
export function tuneCollector(): void {
  setFlagsFromString('--no-parallel-scavenge');
}
