// SPDX-License-Identifier: Apache-2.0
// An entry of the configuration that cannot run: what whoever finds one says of it.

import type { Path } from './walk.ts';

/** An entry to set aside, with its path still in parts. */
export interface BadEntry {
  readonly path: Path;
  readonly code: string;
  readonly message: string;
  readonly advice: string;
  /** Where in the entry it is wrong; the entry itself when absent. */
  readonly at?: Path;
}
