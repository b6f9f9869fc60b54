// SPDX-License-Identifier: Apache-2.0
// What a workspace knows as it is read: facts, entities, and the graph around one of them.

import { checkWorkspace, FRESH, seesAll } from '../access.ts';
import { readQuery } from '../body.ts';
import type { EdgeContext } from '../context.ts';
import { type Answer, type Exchange, json, type Route } from '../exchange.ts';
import { EntitiesQuery, FactsQuery, GraphQuery } from '../schemas/requests.ts';

export function knowledgeRoutes(edge: EdgeContext): readonly Route[] {
  return [
    { method: 'GET', path: '/api/v1/memory/facts', handle: (exchange) => facts(edge, exchange) },
    { method: 'GET', path: '/api/v1/memory/entities', handle: (exchange) => entities(edge, exchange) },
    { method: 'GET', path: '/api/v1/memory/graph', handle: (exchange) => graph(edge, exchange) },
  ];
}

/** The caller's own workspace when none is named; what is others' own is shown to those who see all. @throws Refusal */
function scopeOf({ ports }: EdgeContext, { caller }: Exchange, workspace: string | undefined) {
  const workspace_id = workspace ?? `personal:${caller.user_id}`;
  checkWorkspace(caller, workspace_id, ports.places);
  return { workspace_id, user_id: seesAll(caller) ? undefined : caller.user_id };
}

async function facts(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { workspace, entity: entity_id, predicate, ...page } = readQuery(exchange, FactsQuery);
  const scope = scopeOf(edge, exchange, workspace);
  return json(await edge.ports.store.read('knowledge.facts', { ...scope, entity_id, predicate, page }, FRESH));
}

async function entities(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { workspace, type, prefix: name_prefix, ...page } = readQuery(exchange, EntitiesQuery);
  const scope = scopeOf(edge, exchange, workspace);
  return json(await edge.ports.store.read('knowledge.entities', { ...scope, type, name_prefix, page }, FRESH));
}

async function graph(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { workspace, entity: start_id, depth, type, direction } = readQuery(exchange, GraphQuery);
  const body = { ...scopeOf(edge, exchange, workspace), start_id, depth, direction };
  const types = type === undefined ? [] : [type];
  return json(await edge.ports.store.read('knowledge.graph', { ...body, types }, FRESH));
}
