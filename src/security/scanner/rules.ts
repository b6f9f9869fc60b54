// SPDX-License-Identifier: Apache-2.0
// All rules of the scanner, and the engine over them.

import { ScanEngine } from './engine.ts';
import type { Rule } from './rule.ts';
import { ENGLISH } from './rules/injections-english.ts';
import { LANGUAGES } from './rules/injections-languages.ts';
import { MARKUP } from './rules/injections-markup.ts';
import { SECRETS, VENDOR_SECRETS } from './rules/secrets.ts';

export const RULES: readonly Rule[] = [...ENGLISH, ...MARKUP, ...LANGUAGES, ...SECRETS, ...VENDOR_SECRETS];

let made: ScanEngine | undefined;

/** The engine over {@link RULES}: compiled with the first text of a thread, and once. */
export function scanEngine(): ScanEngine {
  made ??= new ScanEngine(RULES);
  return made;
}
