// SPDX-License-Identifier: Apache-2.0
// How V8 collects, for the whole process: set once, before the first worker begins.

import { setFlagsFromString } from 'node:v8';

/**
 * Half a young generation in MiB, at most; it grows only where much survives, so idle threads do not pay for it. A turn
 * lives for about as long as the journal takes: with less room everything in flight is copied twice and kept for old.
 */
const SEMI_SPACE_MB = 48;

export function tuneCollector(): void {
  // Each thread collects its own young generation: helpers of six isolates only contend for the same few processors,
  // and what they spend on finding work is more than the work.
  setFlagsFromString('--no-parallel-scavenge');
  setFlagsFromString(`--max-semi-space-size=${SEMI_SPACE_MB}`);
}
