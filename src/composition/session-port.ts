// SPDX-License-Identifier: Apache-2.0
// How a turn's tool reaches other sessions: as a message of the person the turn is for, which says where it comes from.

import { hash } from 'node:crypto';
import type { SigilProtocols } from '../actors/protocols.ts';
import type { SessionsPort } from '../agent/tools/sessions-port.ts';
import { address } from '../bus/address.ts';
import { failure, SigilError } from '../errors.ts';
import type { SessionState } from '../stores/session-state.ts';
import { asking } from './asking.ts';
import type { ThreadContext } from './context.ts';

/** The tool that is given it. */
export const SEND_TOOL = 'session_send';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** @param within how long the other session may take, in milliseconds */
export function sessionsPort(
  { bus, directory }: Pick<ThreadContext, 'bus' | 'directory'>,
  { facts, turn }: SessionState,
  call_id: string,
  within: number,
): SessionsPort | undefined {
  if (facts === null || turn === null) return undefined;
  const { session_id: own, workspace_id } = facts;
  const from = address('session', own);
  const hops = turn.message.hops ?? 0;
  const calls = turn.said.flatMap(({ tool_calls = [] }) => tool_calls);
  return {
    hops,
    sends: calls.filter(({ name }) => name === SEND_TOOL).length,
    send: async (session_id, content) => {
      if (!UUID.test(session_id)) throw new SigilError(failure('not_found', `There is no session ${session_id}.`));
      const body = {
        // The same call after an interruption is the same message.
        message_id: `sent-${hash('sha256', `${turn.turn_id}\n${call_id}`).slice(0, 32)}`,
        user_id: turn.message.user_id,
        channel: from,
        content,
        model: '',
        // Never handed to a turn that runs, nor put together with others: what it may do hangs on where it came from.
        queue: 'followup',
        workspace_id,
        open: false,
        any_user: false,
        directory: directory.table.version,
        hops: hops + 1,
      } as const;
      const to = address('session', session_id);
      return await asking<SigilProtocols, 'session', 'session.deliver'>(bus, to, 'session.deliver', body, {
        from,
        within,
      });
    },
  };
}
