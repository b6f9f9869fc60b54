// SPDX-License-Identifier: Apache-2.0
// Tools of T19: twenty of the size that tools have, which no model of the bench ever asks for.

import type { Tool } from '../src/agent/tools/tool.ts';

/** Their names. */
export const NAMES: readonly string[] = Array.from({ length: 20 }, (_, at) => `bench_tool_${at}`);

/** The built-in tool that stays. */
export const SKILL_READ = 'skill_read';

const text = (description: string) => ({ type: 'string', maxLength: 1_000, description });

/** In the place of the built-in ones but the one by which skills are read: without it no list of them is shown. */
export function tools(builtIn: readonly Tool[]): readonly Tool[] {
  return [...NAMES.map(named), ...builtIn.filter(({ name }) => name === SKILL_READ)];
}

function named(name: string): Tool {
  return {
    name,
    description: `Looks up what is known about a thing of the kind ${name} and answers with it. Use it when asked for one.`,
    inputSchema: {
      type: 'object',
      properties: {
        query: text('What to look for, in words.'),
        kind: { type: 'string', enum: ['any', 'new', 'old'], description: 'Which of them.' },
        limit: { type: 'integer', minimum: 1, maximum: 50, description: 'How many at most.' },
        place: { type: 'object', properties: { name: text('Its name.'), country: text('Its country.') } },
      },
      required: ['query'],
      additionalProperties: false,
    },
    capabilities: [],
    timeoutMs: 1_000,
    idempotent: true,
    serial: false,
    execute: () => Promise.resolve({ content: name, is_error: false }),
  };
}
