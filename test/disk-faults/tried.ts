// SPDX-License-Identifier: Apache-2.0
// What came of one fault of one file.

import type { Fault } from './faults.ts';

export interface Tried {
  readonly file: string;
  readonly fault: Fault;
  /** What somebody was told: who asked, or who reads the log. */
  readonly told: string;
  /** Whoever asked was refused; otherwise what could not be written follows later. */
  readonly refused: boolean;
  /** It worked again once nothing was wrong any more, without a restart. */
  readonly again: boolean;
  readonly again_ms: number;
  readonly problems: readonly string[];
}
