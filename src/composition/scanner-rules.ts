// SPDX-License-Identifier: Apache-2.0
// The scanner's rules of a thread: read with the first thing that may need them, so that a gateway at rest holds none.

import type { RULES, scanEngine } from '../security/scanner/rules.ts';

type Rules = { readonly RULES: typeof RULES; readonly scanEngine: typeof scanEngine };

/** Once for the thread, like every module. */
let held: Rules | undefined;

export async function loadScannerRules(): Promise<void> {
  held ??= await import('../security/scanner/rules.ts');
}

/** @throws when they were not loaded: whoever asks is to wait for {@link withScannerRules} first */
export function scannerRules(): Rules {
  if (held === undefined) throw new Error('the rules of the scanner are not loaded');
  return held;
}

/**
 * Runs once they are there: at once when they are, and in the order of the calls when not. Where they cannot be read it
 * runs all the same, and what is scanned then fails, closed.
 */
export function withScannerRules(run: () => void): void {
  if (held !== undefined) run();
  else void loadScannerRules().then(run, run);
}
