// SPDX-License-Identifier: Apache-2.0
// The tool `memory_semantic`: what was said, summed up or known that is alike in meaning, whatever its words.

import { type Found, foundSimilar } from './memory.ts';
import { answer, problem, type Tool } from './tool.ts';

const QUERY = 2_000;
const USUAL = 10;
const MOST = 50;

export const memorySemantic: Tool = {
  name: 'memory_semantic',
  description: [
    'Finds what is alike in meaning in this workspace: messages, summaries of earlier conversations and facts, best first, also',
    'where no word is the same. Use it when memory_search finds nothing, with a whole sentence.',
    'Returns {"items": [{"said_by", "text", "at", "score"}]}; said_by is "summary" for a summary.',
  ].join(' '),
  inputSchema: {
    type: 'object',
    properties: {
      query: { type: 'string', minLength: 1, maxLength: QUERY, description: 'What is looked for, in a sentence.' },
      k: { type: 'integer', minimum: 1, maximum: MOST, description: `At most so many; ${USUAL} when absent.` },
    },
    required: ['query'],
    additionalProperties: false,
  },
  capabilities: [],
  timeoutMs: 15_000,
  idempotent: true,
  serial: false,
  safe: true,
  async execute(args, context) {
    const query = String(args['query']).toWellFormed().trim();
    if (query === '') return problem('The query says nothing.');
    const k = typeof args['k'] === 'number' ? args['k'] : USUAL;
    // This turn's own messages may be the nearest of all.
    const { items, unavailable } = await context.memory.similar(query, k + OWN);
    if (unavailable !== null)
      return problem(`What is alike in meaning cannot be looked for now: ${unavailable} Use memory_search instead.`);
    const found: readonly Found[] = foundSimilar(items, context.turn_id).slice(0, k);
    return answer({ query, items: found });
  },
};

/** Looked for beyond what is shown. */
const OWN = 10;
