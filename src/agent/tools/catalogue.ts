// SPDX-License-Identifier: Apache-2.0
// The tools Sigil brings along.

import { calculator } from './calculator.ts';
import { clock } from './clock.ts';
import { memoryRemember, memorySearch } from './memory.ts';
import { memoryRecall, memorySummary } from './recall.ts';
import { skillRead } from './skill-read.ts';
import type { Tool } from './tool.ts';

/** The built-in tools, safe for everybody who may talk to the agent. */
export function builtInTools(): readonly Tool[] {
  return [calculator, clock, memorySearch, memoryRecall, memorySummary, memoryRemember, skillRead];
}
