// SPDX-License-Identifier: Apache-2.0
// Tools that can be counted from outside: each run leaves its idempotency key in a file, synced, before it answers.

import { fsyncSync, openSync, writeSync } from 'node:fs';
import type { Tool } from '../../src/agent/tools/tool.ts';

/** Between the effect and its answer, in milliseconds: room for a kill that leaves the outcome unknown. */
const LINGER_MS = 3;

/** Which of the built-in tools are counted, and whether an interrupted call of theirs may be made again. */
export const COUNTED: Readonly<Record<string, { readonly idempotent: boolean }>> = {
  calculator: { idempotent: true },
  memory_remember: { idempotent: false },
};

/** A person is asked before every third number is remembered. */
const asks = (args: Readonly<Record<string, unknown>>): string | null => {
  const number = /\d+/.exec(JSON.stringify(args))?.[0];
  return number !== undefined && Number(number) % 3 === 0 ? 'numbers by three are asked for' : null;
};

/** @returns the built-in tools, with a counted one for each of {@link COUNTED} */
export function tools(builtIn: readonly Tool[]): readonly Tool[] {
  const file = process.env['COUNTED_EFFECTS'];
  if (file === undefined) return builtIn;
  const fd = openSync(file, 'a', 0o600);
  return builtIn.map((tool) => {
    const counted = COUNTED[tool.name];
    if (counted === undefined) return tool;
    return {
      ...tool,
      idempotent: counted.idempotent,
      approval: tool.name === 'memory_remember' ? asks : 'never',
      execute: async (args, context) => {
        writeSync(fd, `${context.turn_id} ${context.call_id} ${tool.name}\n`);
        fsyncSync(fd);
        await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
        return await tool.execute(args, context);
      },
    };
  });
}
