// SPDX-License-Identifier: Apache-2.0
// The agent as a whole: paused, so that messages are taken and no new turn is begun, and going on.

import { readBody } from '../body.ts';
import type { EdgeContext } from '../context.ts';
import { type Answer, actorOf, type Exchange, json, type Route } from '../exchange.ts';
import type { EdgePorts } from '../ports.ts';
import { NoBody, PauseRequest } from '../schemas/requests.ts';
import type { AgentAnswer, PausedItem } from '../schemas/system.ts';

const MANAGE = 'admin:agent';

export function agentRoutes(edge: EdgeContext): readonly Route[] {
  return [
    { method: 'POST', path: '/api/v1/agent/pause', needs: MANAGE, handle: (exchange) => pause(edge, exchange) },
    { method: 'POST', path: '/api/v1/agent/resume', needs: MANAGE, handle: (exchange) => resume(edge, exchange) },
  ];
}

async function pause({ ports }: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { reason = '' } = await readBody(exchange, PauseRequest, 'allowed');
  const { by, since, ...pause } = await ports.gateway.agent.pause(reason, actorOf(exchange));
  const { user_id } = exchange.caller;
  ports.log.info({ user_id, request_id: exchange.requestId, reason }, 'the agent is paused: no new turn begins');
  return json({ paused: { since: since.toISOString(), by, reason: pause.reason } } satisfies AgentAnswer);
}

async function resume({ ports }: EdgeContext, exchange: Exchange): Promise<Answer> {
  await readBody(exchange, NoBody, 'allowed');
  await ports.gateway.agent.resume(actorOf(exchange));
  ports.log.info({ user_id: exchange.caller.user_id, request_id: exchange.requestId }, 'the agent goes on');
  return json({ paused: null } satisfies AgentAnswer);
}

/** The pause as it is told; null when there is none. */
export function pausedItem({ agent: { paused }, world }: Pick<EdgePorts, 'agent' | 'world'>): PausedItem {
  return paused === null ? null : { since: world.iso(paused.since), by: paused.by, reason: paused.reason };
}

/** What whoever waits for an answer is told while none is begun. */
export const PAUSED_WARNING = {
  code: 'agent_paused',
  message: 'The agent is paused: the message is kept, and is answered when somebody resumes it.',
} as const;
