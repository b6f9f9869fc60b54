// SPDX-License-Identifier: Apache-2.0
// Skills of a workspace, or those that are shared: listed and shown to its members, changed with `admin:skills`.

import type { NoteSkill } from '../../agent/skills/keeping.ts';
import { checkPermission, checkWorkspace } from '../access.ts';
import { bodyArchive, readBody, readQuery } from '../body.ts';
import type { EdgeContext } from '../context.ts';
import { openCursor, sealCursor } from '../cursor.ts';
import { type Answer, actorOf, type Exchange, json, param, type Route } from '../exchange.ts';
import { SkillInstallQuery, SkillMoveRequest, SkillPathRequest, SkillQuery, SkillsQuery } from '../schemas/skills.ts';

/** What a skill says the agent does, for everybody in its workspace. */
const CHANGE = 'admin:skills';
const SHARED = '@shared';
const ONE = '/api/v1/skills/:name';

export function skillRoutes(edge: EdgeContext): readonly Route[] {
  const route = (method: Route['method'], path: string, handle: typeof list, needs?: string): Route => ({
    ...{ method, path, handle: (exchange: Exchange) => handle(edge, exchange) },
    ...(needs === undefined ? {} : { needs }),
  });
  return [
    route('GET', '/api/v1/skills', list),
    route('POST', '/api/v1/skills', install, CHANGE),
    route('GET', ONE, show),
    route('DELETE', ONE, remove, CHANGE),
    route('POST', `${ONE}/copy`, copy, CHANGE),
  ];
}

/** The place a request is about. @throws Refusal when the caller may not look there */
function placeOf(edge: EdgeContext, { caller }: Exchange, workspace: string | undefined): string {
  const place = workspace ?? `personal:${caller.user_id}`;
  if (place === SHARED) checkPermission(caller, CHANGE);
  else checkWorkspace(caller, place, edge.ports.places);
  return place;
}

async function list(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { workspace, limit, cursor } = readQuery(exchange, SkillsQuery);
  const after = cursor === undefined ? '' : (openCursor(cursor)['after'] ?? '');
  const all = await edge.ports.skills.list(placeOf(edge, exchange, workspace));
  const rest = all.filter(({ name }) => name > after);
  const items = rest.slice(0, limit);
  const next_cursor = rest.length > limit ? sealCursor({ after: items.at(-1)?.name ?? '' }) : null;
  return json({ items, next_cursor });
}

async function show(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { workspace } = readQuery(exchange, SkillQuery);
  return json(await edge.ports.skills.show(placeOf(edge, exchange, workspace), param(exchange, 'name')));
}

async function install(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { workspace, name, replace } = readQuery(exchange, SkillInstallQuery);
  const place = placeOf(edge, exchange, workspace);
  const target = { place, name, replace: replace === 'true' };
  const { skills } = edge.ports;
  if (!/^application\/json\b/i.test(exchange.request.headers['content-type'] ?? ''))
    return json(
      await skills.install({ kind: 'archive', chunks: bodyArchive(exchange) }, target, noteOf(edge, exchange)),
    );
  // Whoever names a path has the gateway read it, whatever lies there.
  checkPermission(exchange.caller, 'admin:*');
  const { path } = await readBody(exchange, SkillPathRequest);
  return json(await skills.install({ kind: 'path', path }, target, noteOf(edge, exchange)));
}

async function copy(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { workspace } = readQuery(exchange, SkillQuery);
  const { to, link = false, replace = false } = await readBody(exchange, SkillMoveRequest);
  const from = placeOf(edge, exchange, workspace);
  const move = { name: param(exchange, 'name'), from, to: placeOf(edge, exchange, to), replace };
  const { skills } = edge.ports;
  return json(await (link ? skills.link : skills.copy)(move, noteOf(edge, exchange)));
}

async function remove(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { workspace } = readQuery(exchange, SkillQuery);
  const place = placeOf(edge, exchange, workspace);
  return json(await edge.ports.skills.remove(place, param(exchange, 'name'), noteOf(edge, exchange)));
}

function noteOf(edge: EdgeContext, exchange: Exchange): NoteSkill {
  const by = actorOf(exchange);
  return (action, details, place, result) => {
    const workspaceId = place === SHARED ? '' : place;
    return edge.ports.gateway.auditLog.note({ action, details: { ...details, place }, workspaceId, result }, by);
  };
}
