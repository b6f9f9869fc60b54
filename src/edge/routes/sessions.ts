// SPDX-License-Identifier: Apache-2.0
// Sessions as they are read; putting a session away, and deleting it.

import { address } from '../../bus/address.ts';
import { checkWorkspace, FRESH, ownSession, seesAll, WORKSPACE_ID } from '../access.ts';
import { ask } from '../ask.ts';
import { bodyLines, readBody, readQuery } from '../body.ts';
import { sendBytes } from '../byte-stream.ts';
import type { EdgeContext } from '../context.ts';
import { type Answer, type Exchange, json, param, type Route, STREAMED } from '../exchange.ts';
import { Refusal } from '../problem.ts';
import { CHANNEL_HEADER, channelOf } from '../receive.ts';
import { ExportQuery, ImportQuery, NoBody, PageQuery } from '../schemas/requests.ts';
import { exportOf } from '../session-export.ts';

const CHANGE_MS = 30_000;

export function sessionRoutes(edge: EdgeContext): readonly Route[] {
  const { ports } = edge;
  return [
    { method: 'GET', path: '/api/v1/workspaces/:id/sessions', handle: (exchange) => sessions(edge, exchange) },
    {
      method: 'GET',
      path: '/api/v1/sessions/:id',
      handle: async (exchange) => json(await ownSession(ports, exchange.caller, param(exchange, 'id'))),
    },
    { method: 'GET', path: '/api/v1/sessions/:id/messages', handle: (exchange) => messages(edge, exchange) },
    { method: 'GET', path: '/api/v1/sessions/:id/export', handle: (exchange) => exported(edge, exchange) },
    { method: 'POST', path: '/api/v1/sessions/import', handle: (exchange) => imported(edge, exchange) },
    { method: 'POST', path: '/api/v1/sessions/:id/archive', handle: (exchange) => archive(edge, exchange) },
    { method: 'DELETE', path: '/api/v1/sessions/:id', handle: (exchange) => remove(edge, exchange) },
  ];
}

async function sessions(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { caller } = exchange;
  const { store, places } = edge.ports;
  const workspace_id = param(exchange, 'id');
  const page = readQuery(exchange, PageQuery);
  if (!WORKSPACE_ID.test(workspace_id)) throw unknownWorkspace(workspace_id);
  checkWorkspace(caller, workspace_id, places);
  const user_id = seesAll(caller) ? undefined : caller.user_id;
  const found = await store.read('session.list', { workspace_id, user_id, page }, FRESH);
  const exists = found.items.length > 0 || page.cursor !== undefined || places.membersOf(workspace_id) !== undefined;
  if (!exists && workspace_id !== `personal:${caller.user_id}`) throw unknownWorkspace(workspace_id);
  return json(found);
}

export function unknownWorkspace(id: string): Refusal {
  return new Refusal('not_found', `There is no workspace \`${id.slice(0, 64)}\`.`);
}

async function messages(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const page = readQuery(exchange, PageQuery);
  const session = await ownSession(edge.ports, exchange.caller, param(exchange, 'id'));
  return json(await edge.ports.store.read('session.messages', { session_id: session.id, page }, FRESH));
}

const EXPORTS = {
  jsonl: { type: 'application/jsonl; charset=utf-8', extension: 'jsonl' },
  markdown: { type: 'text/markdown; charset=utf-8', extension: 'md' },
} as const;

async function exported(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { format } = readQuery(exchange, ExportQuery);
  const session = await ownSession(edge.ports, exchange.caller, param(exchange, 'id'));
  const { type, extension } = EXPORTS[format];
  await sendBytes(edge, exchange, exportOf(edge.ports.store, session, format), {
    'Content-Type': type,
    'Content-Disposition': `attachment; filename="session-${session.id}.${extension}"`,
  });
  return STREAMED;
}

async function imported(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { workspace_id } = readQuery(exchange, ImportQuery);
  const { caller, requestId, request } = exchange;
  if (edge.ports.state() === 'draining') throw new Refusal('draining', 'The gateway is stopping.');
  const channel = channelOf(request.headers[CHANNEL_HEADER]);
  // Loaded only here: few gateways ever import.
  const { importSession } = await import('../session-import.ts');
  const options = { caller, workspace_id, channel, requestId };
  return json(await importSession(edge.ports, bodyLines(exchange), options));
}

async function archive(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { bus, store } = edge.ports;
  await readBody(exchange, NoBody, 'allowed');
  const session = await ownSession(edge.ports, exchange.caller, param(exchange, 'id'));
  if (session.status === 'archived') return json(session);
  const change = { status: 'archived', by: exchange.caller.user_id } as const;
  const { seq } = await ask(
    bus,
    address('session', session.id),
    'session.change',
    change,
    CHANGE_MS,
    exchange.requestId,
  );
  return json(await store.read('session.get', { session_id: session.id }, { after: seq }));
}

/** How long what runs in a session may take to end, in milliseconds: a tool is given its time. */
const DELETE_MS = 60_000;

async function remove(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { id } = await ownSession(edge.ports, exchange.caller, param(exchange, 'id'));
  const by = { by: exchange.caller.user_id };
  await ask(edge.ports.bus, address('session', id), 'session.delete', by, DELETE_MS, exchange.requestId);
  return json({ id, removed: true });
}
