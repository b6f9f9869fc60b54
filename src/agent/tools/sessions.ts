// SPDX-License-Identifier: Apache-2.0
// The tool `session_list`: the conversations somebody has in this workspace.

import { answer, type Tool } from './tool.ts';

const USUAL = 20;
const MOST = 100;

export const sessionList: Tool = {
  name: 'session_list',
  description: [
    'Lists the conversations (sessions) that the person you talk to has in this workspace, the last used first.',
    'Returns {"sessions": [{"id", "title", "status", "messages", "created_at", "updated_at", "current"}]}; current is the one',
    'you are in.',
  ].join(' '),
  inputSchema: {
    type: 'object',
    properties: {
      limit: { type: 'integer', minimum: 1, maximum: MOST, description: `At most so many; ${USUAL} when absent.` },
    },
    additionalProperties: false,
  },
  capabilities: ['sessions.list'],
  timeoutMs: 15_000,
  idempotent: true,
  serial: false,
  safe: true,
  async execute(args, context) {
    const limit = typeof args['limit'] === 'number' ? args['limit'] : USUAL;
    const sessions = await context.memory.sessions(limit);
    return answer({ sessions: sessions.map((one) => ({ ...one, current: one.id === context.session_id })) });
  },
};
