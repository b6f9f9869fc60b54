// SPDX-License-Identifier: Apache-2.0
// How long tests wait: for what hangs, not for what is slow. Other work on the machine must fail no test.

/** How long something a test waits for may take before it counts as never, in milliseconds. */
export const HANGS_MS = 120_000;
/** The same of a whole test, which waits for several things. */
export const TEST_HANGS_MS = 300_000;
