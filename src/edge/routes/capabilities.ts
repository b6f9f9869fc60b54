// SPDX-License-Identifier: Apache-2.0
// What the enforcer says: of every role everywhere, and of one person.

import { checkPermission } from '../access.ts';
import { readQuery } from '../body.ts';
import type { EdgeContext } from '../context.ts';
import { type Answer, type Exchange, json, type Route } from '../exchange.ts';
import type { CapabilityExplainedAnswer, CapabilityMatrixAnswer } from '../schemas/capabilities.ts';
import { ExplainQuery } from '../schemas/capabilities.ts';

/** Who may change users may know what each of them may. */
const USERS = 'admin:users';

export function capabilityRoutes(edge: EdgeContext): readonly Route[] {
  return [
    { method: 'GET', path: '/api/v1/capabilities', needs: USERS, handle: () => matrix(edge) },
    { method: 'GET', path: '/api/v1/capabilities/explain', handle: (exchange) => explain(edge, exchange) },
  ];
}

async function matrix({ ports }: EdgeContext): Promise<Answer> {
  const body: CapabilityMatrixAnswer = { workspaces: await ports.capabilities.matrix() };
  return json(body);
}

/** Everybody may ask about themselves. */
async function explain({ ports }: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { user, workspace, capability } = readQuery(exchange, ExplainQuery);
  if (user !== exchange.caller.user_id) checkPermission(exchange.caller, USERS);
  const { decision, ...explained } = await ports.capabilities.explain(user, workspace, capability);
  const body: CapabilityExplainedAnswer = { ...explained, ...decision };
  return json(body);
}
