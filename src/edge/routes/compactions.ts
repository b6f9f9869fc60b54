// SPDX-License-Identifier: Apache-2.0
// Compactions that somebody asks for: begun by their workspace, looked after until they are done.

import type { CompactionProgress } from '../../actors/workspace/protocol.ts';
import { address } from '../../bus/address.ts';
import { checkWorkspace, FRESH, ownSession, seesAll } from '../access.ts';
import { ask } from '../ask.ts';
import { readBody, readQuery } from '../body.ts';
import type { EdgeContext } from '../context.ts';
import { type Answer, type Exchange, json, param, type Route } from '../exchange.ts';
import { Refusal } from '../problem.ts';
import type { CompactionAnswer } from '../schemas/answers.ts';
import { CompactionQuery, CompactRequest } from '../schemas/requests.ts';

const PATH = '/api/v1/memory/compactions';
/** How long the workspace may take to answer, in milliseconds: it only says that it has begun. */
const WITHIN = 5_000;
/** Sessions compacted for one request. */
const SESSIONS_MOST = 1_000;

export function compactionRoutes(edge: EdgeContext): readonly Route[] {
  return [
    { method: 'POST', path: PATH, handle: (exchange) => begin(edge, exchange) },
    { method: 'GET', path: `${PATH}/:id`, handle: (exchange) => progress(edge, exchange) },
  ];
}

async function begin(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { ports } = edge;
  const { caller } = exchange;
  const body = await readBody(exchange, CompactRequest, 'allowed');
  const { memory } = ports.config.sessions;
  if (!memory.summaries.enabled) {
    throw new Refusal('conflict', 'Nothing is summed up here: `sessions.memory.summaries.enabled` is off.');
  }
  const session = body.session_id === undefined ? undefined : await ownSession(ports, caller, body.session_id);
  if (session !== undefined && body.workspace_id !== undefined && body.workspace_id !== session.workspace_id)
    throw new Refusal('not_found', `The session ${session.id} is not in the workspace ${body.workspace_id}.`);
  const workspace_id = session?.workspace_id ?? body.workspace_id ?? `personal:${caller.user_id}`;
  if (session === undefined) checkWorkspace(caller, workspace_id, ports.places);
  const { sessions } = await ports.store.read(
    'memory.due',
    {
      workspace_id,
      ...(session === undefined ? {} : { session_id: session.id }),
      // What others said is summed up for others, and paid for.
      ...(session === undefined && !seesAll(caller) ? { user_id: caller.user_id } : {}),
      window: memory.active_window,
      least: 1,
      limit: SESSIONS_MOST,
    },
    FRESH,
  );
  const to = address('workspace', workspace_id);
  const begun = await ask(ports.bus, to, 'workspace.compact', { session_ids: sessions }, WITHIN, exchange.requestId);
  ports.log.info(
    { user_id: caller.user_id, workspace_id, sessions: sessions.length, request_id: exchange.requestId },
    'a compaction was asked for',
  );
  return json(shown(workspace_id, begun));
}

async function progress({ ports }: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { workspace = `personal:${exchange.caller.user_id}` } = readQuery(exchange, CompactionQuery);
  checkWorkspace(exchange.caller, workspace, ports.places);
  const body = { id: param(exchange, 'id') };
  const to = address('workspace', workspace);
  return json(shown(workspace, await ask(ports.bus, to, 'workspace.compaction', body, WITHIN, exchange.requestId)));
}

function shown(workspace_id: string, progress: CompactionProgress): CompactionAnswer {
  return { workspace_id, ...progress };
}
