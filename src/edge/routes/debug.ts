// SPDX-License-Identifier: Apache-2.0
// The live actor system for those with `admin:debug`: actors, threads, the bus, and turns step by step.

import { checkPermission, FRESH, idFrom } from '../access.ts';
import { actorDetail } from '../actor-detail.ts';
import { actorPage } from '../actor-page.ts';
import { readQuery } from '../body.ts';
import type { EdgeContext } from '../context.ts';
import { type Answer, type Exchange, json, param, type Route } from '../exchange.ts';
import type { EdgePorts } from '../ports.ts';
import { ActorQuery, ActorsQuery } from '../schemas/requests.ts';
import { busFigures, threadItems } from '../threads.ts';
import { TraceStreams } from '../trace-stream.ts';
import { stagesOf } from '../turn-stages.ts';
import { pairSteps } from '../turn-steps.ts';

const DEBUG = 'admin:debug';

export function debugRoutes(edge: EdgeContext): readonly Route[] {
  const { ports } = edge;
  const traces = new TraceStreams(edge);
  return [
    { method: 'GET', path: '/debug/actors', needs: DEBUG, handle: (exchange) => actors(edge, exchange) },
    {
      method: 'GET',
      path: '/debug/actors/stream',
      needs: DEBUG,
      stream: true,
      handle: (exchange) => traces.open(exchange),
    },
    {
      method: 'GET',
      path: '/debug/actors/:kind/:id',
      needs: DEBUG,
      handle: (exchange) => actor(edge, exchange, `${param(exchange, 'kind')}/${param(exchange, 'id')}`),
    },
    // The address in one piece, its slash escaped, as generated clients send it.
    {
      method: 'GET',
      path: '/debug/actors/:address',
      needs: DEBUG,
      handle: (exchange) => actor(edge, exchange, param(exchange, 'address')),
    },
    {
      method: 'GET',
      path: '/debug/threads',
      needs: DEBUG,
      handle: async () => shown(ports, { items: await threadItems(ports), next_cursor: null }),
    },
    { method: 'GET', path: '/debug/bus', needs: DEBUG, handle: async () => shown(ports, await busFigures(ports)) },
    { method: 'GET', path: '/debug/turns/:id', needs: DEBUG, handle: (exchange) => turn(edge, exchange) },
  ];
}

/** Whatever is shown, secrets are not: with `reveal` neither. */
function shown({ redactor }: EdgePorts, body: unknown): Answer {
  return json(redactor === undefined ? body : redactor.data(body));
}

async function actors(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { thread, limit, cursor, ...filter } = readQuery(exchange, ActorsQuery);
  const threads = edge.ports.threads.filter((name) => thread === undefined || name === thread);
  return shown(edge.ports, await actorPage(edge.ports, threads, filter, { limit, cursor }));
}

async function actor(edge: EdgeContext, exchange: Exchange, text: string): Promise<Answer> {
  const reveal = readQuery(exchange, ActorQuery).reveal === 'true';
  if (reveal) checkPermission(exchange.caller, 'admin:*');
  return shown(edge.ports, await actorDetail(edge.ports, text, reveal));
}

async function turn(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const turn_id = idFrom(param(exchange, 'id'), 'turn');
  const { turn: row, steps } = await edge.ports.store.read('turn.steps', { turn_id }, FRESH);
  const { id, session_id, workspace_id, user_id, status } = row;
  const stages = stagesOf(row, steps);
  return shown(edge.ports, { id, session_id, workspace_id, user_id, status, stages, steps: pairSteps(steps) });
}
