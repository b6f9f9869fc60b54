// SPDX-License-Identifier: Apache-2.0
// The live actor system for those with `admin:debug`: actors, threads, the bus, and turns step by step.

import type { ActorDetail } from '../../actors/thread/protocol.ts';
import { address, parseAddress } from '../../bus/address.ts';
import { type Failure, failure, SigilError } from '../../errors.ts';
import { checkPermission, FRESH, idFrom } from '../access.ts';
import { tryAsk } from '../ask.ts';
import { readQuery } from '../body.ts';
import type { EdgeContext } from '../context.ts';
import { type Answer, type Exchange, json, param, type Route } from '../exchange.ts';
import { ActorQuery, ActorsQuery } from '../schemas/requests.ts';
import { actorPage, busFigures, threadItems } from '../threads.ts';
import { traceTransitions } from '../trace-stream.ts';
import { pairSteps } from '../turn-steps.ts';

const DEBUG = 'admin:debug';

export function debugRoutes(edge: EdgeContext): readonly Route[] {
  const { ports } = edge;
  return [
    { method: 'GET', path: '/debug/actors', needs: DEBUG, handle: (exchange) => actors(edge, exchange) },
    {
      method: 'GET',
      path: '/debug/actors/stream',
      needs: DEBUG,
      stream: true,
      handle: (exchange) => traceTransitions(edge, exchange),
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
      handle: async () => json({ items: await threadItems(ports), next_cursor: null }),
    },
    { method: 'GET', path: '/debug/bus', needs: DEBUG, handle: async () => json(await busFigures(ports)) },
    { method: 'GET', path: '/debug/turns/:id', needs: DEBUG, handle: (exchange) => turn(edge, exchange) },
  ];
}

async function actors(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { thread, limit, cursor, ...filter } = readQuery(exchange, ActorsQuery);
  const threads = edge.ports.threads.filter((name) => thread === undefined || name === thread);
  return json(await actorPage(edge.ports, threads, filter, { limit, cursor }));
}

/** Where an actor lives is not for the edge to know: all threads are asked, one has it. */
async function actor(edge: EdgeContext, exchange: Exchange, text: string): Promise<Answer> {
  const reveal = readQuery(exchange, ActorQuery).reveal === 'true';
  if (reveal) checkPermission(exchange.caller, 'admin:*');
  if (parseAddress(text) === undefined) throw unknownActor(text);
  const { bus, threads } = edge.ports;
  const detail = await new Promise<ActorDetail>((resolve, reject) => {
    let failed: Failure | undefined;
    const all = threads.map(async (thread) => {
      const asked = await tryAsk(bus, address('thread', thread), 'thread.actor', { address: text, reveal });
      if (asked.ok) resolve(asked.answer);
      else if (asked.error.code !== 'not_found') failed ??= asked.error;
    });
    Promise.all(all).then(() => reject(failed === undefined ? unknownActor(text) : new SigilError(failed)), reject);
  });
  return json(detail);
}

function unknownActor(text: string): SigilError {
  return new SigilError(failure('not_found', `There is no actor \`${text.slice(0, 256)}\`.`));
}

async function turn(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const turn_id = idFrom(param(exchange, 'id'), 'turn');
  const { turn: row, steps } = await edge.ports.store.read('turn.steps', { turn_id }, FRESH);
  const { id, session_id, workspace_id, user_id, status } = row;
  return json({ id, session_id, workspace_id, user_id, status, steps: pairSteps(steps) });
}
