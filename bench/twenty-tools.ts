// SPDX-License-Identifier: Apache-2.0
// Tools of T19: twenty of the size that tools have, which no model of the bench ever asks for.

import type { Tool } from '../src/agent/tools/tool.ts';

/** Their names. */
export const NAMES: readonly string[] = Array.from({ length: 20 }, (_, at) => `bench_tool_${at}`);

const text = (description: string) => ({ type: 'string', maxLength: 1_000, description });

/** In the place of the built-in ones. */
export function tools(): readonly Tool[] {
  return NAMES.map((name) => ({
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
  }));
}
