// SPDX-License-Identifier: Apache-2.0
// The tools Sigil brings along.

import { calculator } from './calculator.ts';
import { clock } from './clock.ts';
import { memoryForget } from './forget.ts';
import { memoryRemember, memorySearch } from './memory.ts';
import { memoryRecall, memorySummary } from './recall.ts';
import { memorySemantic } from './semantic.ts';
import { sessionSend } from './session-send.ts';
import { sessionList } from './sessions.ts';
import { skillRead } from './skill-read.ts';
import type { Tool } from './tool.ts';

/** The built-in tools. Those that are `safe` are there for everybody; the others where a workspace allows them. */
export function builtInTools(): readonly Tool[] {
  return [
    calculator,
    clock,
    memorySearch,
    memorySemantic,
    memoryRecall,
    memorySummary,
    memoryRemember,
    memoryForget,
    sessionList,
    sessionSend,
    skillRead,
  ];
}
