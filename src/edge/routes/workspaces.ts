// SPDX-License-Identifier: Apache-2.0
// Workspaces: those one may enter, one of them with who is in it and which conversations belong to it, made and removed.

import type { StoredWorkspace } from '../../stores/directory-records.ts';
import type { MadeWorkspace } from '../../stores/gateway-store.ts';
import type { Page } from '../../stores/session-store.ts';
import { checkWorkspace, FRESH, mayEnter, WORKSPACE_ID } from '../access.ts';
import { readBody, readQuery } from '../body.ts';
import type { EdgeContext } from '../context.ts';
import { openCursor, type Positions, sealCursor } from '../cursor.ts';
import { type Answer, actorOf, type Exchange, json, param, type Route } from '../exchange.ts';
import type { WorkspaceItem } from '../schemas/answers.ts';
import { WorkspaceChangeRequest, WorkspaceRequest } from '../schemas/directory.ts';
import type { WorkspaceAnswer } from '../schemas/directory-answers.ts';
import { PageQuery } from '../schemas/requests.ts';
import { unknownWorkspace } from './sessions.ts';

const MANAGE = 'admin:workspaces';

export function workspaceRoutes(edge: EdgeContext): readonly Route[] {
  return [
    { method: 'GET', path: '/api/v1/workspaces', handle: (exchange) => list(edge, exchange) },
    { method: 'POST', path: '/api/v1/workspaces', needs: MANAGE, handle: (exchange) => create(edge, exchange) },
    { method: 'GET', path: '/api/v1/workspaces/:id', handle: (exchange) => show(edge, exchange) },
    { method: 'PATCH', path: '/api/v1/workspaces/:id', needs: MANAGE, handle: (exchange) => update(edge, exchange) },
    { method: 'DELETE', path: '/api/v1/workspaces/:id', needs: MANAGE, handle: (exchange) => remove(edge, exchange) },
  ];
}

async function create(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const asked = await readBody(exchange, WorkspaceRequest);
  return json(shownMade(await edge.ports.gateway.workspaces.create(asked, actorOf(exchange))));
}

async function update(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { description, members, bindings } = await readBody(exchange, WorkspaceChangeRequest);
  const change = {
    ...(description === undefined ? {} : { description }),
    ...(members === undefined ? {} : { members }),
    ...(bindings === undefined ? {} : { bindings }),
  };
  return json(shownMade(await edge.ports.gateway.workspaces.update(idIn(exchange), change, actorOf(exchange))));
}

async function remove(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const id = idIn(exchange);
  await edge.ports.gateway.workspaces.delete(id, actorOf(exchange));
  return json({ id, removed: true });
}

async function show(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { places, config } = edge.ports;
  const id = idIn(exchange);
  checkWorkspace(exchange.caller, id, places);
  const written = Object.hasOwn(config.workspaces, id) ? config.workspaces[id] : undefined;
  if (written !== undefined) {
    const { description, members, bindings } = written;
    const none = { created_at: null, updated_at: null };
    return json({ id, description, configured: true, members, bindings, ...none } satisfies WorkspaceAnswer);
  }
  const made = places.made().find((workspace) => workspace.id === id);
  if (made !== undefined) return json(shownStored(edge, made));
  if (!id.startsWith('personal:')) throw unknownWorkspace(id);
  const empty = { description: '', configured: false, bindings: [], created_at: null, updated_at: null };
  return json({ id, ...empty, members: [id.slice('personal:'.length)] } satisfies WorkspaceAnswer);
}

/** What cannot be an id is not found. */
function idIn(exchange: Exchange): string {
  const id = param(exchange, 'id');
  if (!WORKSPACE_ID.test(id)) throw unknownWorkspace(id);
  return id;
}

function shownMade({ id, description, members, bindings, createdAt, updatedAt }: MadeWorkspace): WorkspaceAnswer {
  const times = { created_at: createdAt.toISOString(), updated_at: updatedAt.toISOString() };
  return { id, description, configured: false, members, bindings, ...times };
}

function shownStored(edge: EdgeContext, workspace: StoredWorkspace): WorkspaceAnswer {
  const { id, description, members, bindings, created_at, updated_at } = workspace;
  const { world } = edge.ports;
  const times = { created_at: world.iso(created_at), updated_at: world.iso(updated_at) };
  return { id, description, configured: false, members, bindings, ...times };
}

/**
 * Workspaces the caller may enter: the configured ones first, in the order of their ids, then those that exist because
 * somebody wrote in them. Only who may enter all is shown the latter; everybody else has exactly one of them.
 */
async function list(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { caller } = exchange;
  const { config, store, places, workspaces: configured } = edge.ports;
  const query = readQuery(exchange, PageQuery);
  const at: Positions = query.cursor === undefined ? { known: 0 } : openCursor(query.cursor);
  const made = new Map(places.made().map((workspace) => [workspace.id, workspace]));
  const ids = new Set([...configured, ...made.keys()]);
  const enters = (id: string): boolean => mayEnter(caller, id, places);
  const known = [...ids].sort();
  const personal = `personal:${caller.user_id}`;
  const everywhere = enters('personal:');
  if (!everywhere && enters(personal) && !ids.has(personal)) known.push(personal);
  const listed = known.filter(enters);
  const items: WorkspaceItem[] = [];
  let from = Number(at['known'] ?? listed.length);
  for (; from < listed.length && items.length < query.limit; from += 1) {
    const id = listed[from] ?? '';
    const description = config.workspaces[id]?.description ?? made.get(id)?.description ?? '';
    items.push({ id, description, configured: configured.includes(id) });
  }
  if (from < listed.length) return json({ items, next_cursor: sealCursor({ known: from }) });
  if (!everywhere) return json({ items, next_cursor: null });
  let cursor = String(at['stored'] ?? '');
  do {
    if (items.length >= query.limit) return json({ items, next_cursor: sealCursor({ stored: cursor }) });
    const limit = query.limit - items.length;
    const page: Page<{ readonly id: string }> = await store.read(
      'workspace.list',
      { page: { limit, cursor: cursor === '' ? undefined : cursor } },
      FRESH,
    );
    for (const { id } of page.items) if (!ids.has(id)) items.push({ id, description: '', configured: false });
    cursor = page.next_cursor ?? '';
  } while (cursor !== '');
  return json({ items, next_cursor: null });
}
