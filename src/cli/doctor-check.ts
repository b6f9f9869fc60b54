// SPDX-License-Identifier: Apache-2.0
// What a check of `sigil doctor` is: one file each, looking only, and saying for all that is wrong the command that mends it.

import type { LoadedConfig, RefusedConfig } from '../config/load.ts';

export type Verdict = 'pass' | 'warn' | 'fail';

/** One line of the report. */
export interface Finding {
  readonly verdict: Verdict;
  /** What was found, in a sentence. */
  readonly message: string;
  /** The command that mends it, or null when there is nothing to mend or no command does. */
  readonly mend: string | null;
  /** Mends it for `--fix`, and says in a few words what was done; only where nothing of worth can be lost. */
  readonly fix?: () => string | Promise<string>;
}

/** What checks are given. */
export interface CheckContext {
  readonly dataDir: string;
  /** The configuration as `sigil start` would load it. */
  readonly config: LoadedConfig | RefusedConfig;
  /** Look at everything, however long that takes. */
  readonly thorough: boolean;
  /** Asks the gateway that runs in the directory with a GET; undefined when none runs or it does not answer. */
  ask?(path: string): Promise<unknown>;
  /** Shown while it goes on. */
  progress(text: string): void;
}

export interface Check {
  /** A word: the first column. */
  readonly name: string;
  /** Yields what it finds as it goes; what it throws is a failure of the check itself. */
  run(context: CheckContext): AsyncIterable<Finding> | Iterable<Finding>;
}

export const pass = (message: string): Finding => ({ verdict: 'pass', message, mend: null });
export const warn = (message: string, mend: string | null): Finding => ({ verdict: 'warn', message, mend });
export const fail = (message: string, mend: string | null): Finding => ({ verdict: 'fail', message, mend });
