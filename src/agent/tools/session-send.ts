// SPDX-License-Identifier: Apache-2.0
// The tool `session_send`: a message to another conversation of the same person, which answers it there.

import { answer, problem, type Tool } from './tool.ts';

/**
 * How far a message may go from session to session: what a person has said may be passed on, and what came of that once more.
 * Two sessions that answer each other stop there.
 */
export const HOPS_MOST = 2;
/** Messages one turn may send. */
export const SENDS_MOST = 5;
const LONGEST = 20_000;

export const sessionSend: Tool = {
  name: 'session_send',
  description: [
    'Sends a message to another conversation (session) of the person you talk to, in this workspace: use session_list for',
    'their ids. It is answered there, not here: you learn that it was taken, never what was answered.',
    'Only when you were asked to pass something on.',
  ].join(' '),
  inputSchema: {
    type: 'object',
    properties: {
      session_id: { type: 'string', minLength: 36, maxLength: 36, description: 'The id of the other session.' },
      message: { type: 'string', minLength: 1, maxLength: LONGEST, description: 'What is said there.' },
    },
    required: ['session_id', 'message'],
    additionalProperties: false,
  },
  capabilities: ['sessions.send'],
  timeoutMs: 15_000,
  // Sent again under the same key, it is the same message.
  idempotent: true,
  serial: true,
  async execute(args, { session_id: own, sessions }) {
    const session_id = String(args['session_id']).toLowerCase();
    if (sessions === undefined) return problem('There are no other sessions here.');
    if (session_id === own) return problem('That is this session: answer here instead.');
    if (sessions.hops >= HOPS_MOST)
      return problem(`This message has come through ${sessions.hops} sessions already and goes no further.`);
    if (sessions.sends > SENDS_MOST) return problem(`A turn may send ${SENDS_MOST} messages; these were sent already.`);
    const { turn_id } = await sessions.send(session_id, `[From your session ${own}]\n${String(args['message'])}`);
    return answer({ sent: true, session_id, turn_id });
  },
};
