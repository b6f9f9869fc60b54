// SPDX-License-Identifier: Apache-2.0
// The tool `memory_forget`: a statement that was remembered is known no longer.

import { answer, type Tool } from './tool.ts';

export const memoryForget: Tool = {
  name: 'memory_forget',
  description: [
    'Forgets facts about a subject that were remembered or taken from conversations: all of them, or those with this predicate',
    'or value. Use it when somebody asks to forget something, with the subject as memory_search shows it. Only what is the own',
    'of who asks goes; what was said in conversations stays in their history. Returns {"forgotten": [{"subject", "predicate",',
    '"value"}]}; nothing in it when there was nothing to forget.',
  ].join(' '),
  inputSchema: {
    type: 'object',
    properties: {
      subject: { type: 'string', minLength: 1, maxLength: 200, description: 'Such as "favourite tea of Ana".' },
      predicate: { type: 'string', minLength: 1, maxLength: 100, description: 'Such as "is"; any when absent.' },
      value: { type: 'string', minLength: 1, maxLength: 2000, description: 'Such as "oolong"; any when absent.' },
    },
    required: ['subject'],
    additionalProperties: false,
  },
  capabilities: ['memory.forget'],
  timeoutMs: 15_000,
  // What is forgotten is forgotten.
  idempotent: true,
  serial: true,
  safe: true,
  async execute(args, context) {
    const text = (name: string): string | undefined => (args[name] === undefined ? undefined : String(args[name]));
    const what = { subject: String(args['subject']), predicate: text('predicate'), value: text('value') };
    return answer({ forgotten: await context.memory.forget(what) });
  },
};
