// SPDX-License-Identifier: Apache-2.0
// Requests for approval: those that wait, one of them, and a person's answer.

import { address } from '../../bus/address.ts';
import { toFailure } from '../../errors.ts';
import { permits } from '../../security/permission.ts';
import type { ApprovalRow } from '../../stores/approvals.ts';
import { checkOwner, FRESH, idFrom, owns } from '../access.ts';
import { ask } from '../ask.ts';
import { readBody, readQuery } from '../body.ts';
import type { EdgeContext } from '../context.ts';
import { type Answer, type Caller, type Exchange, json, param, type Route } from '../exchange.ts';
import { Refusal } from '../problem.ts';
import { ApprovalRequest } from '../schemas/approvals.ts';
import { PageQuery } from '../schemas/requests.ts';

/** Who holds it answers for everybody. */
const APPROVALS = 'admin:approvals';
const DECIDE_MS = 30_000;

export function approvalRoutes(edge: EdgeContext): readonly Route[] {
  return [
    { method: 'GET', path: '/api/v1/approvals', handle: (exchange) => list(edge, exchange) },
    {
      method: 'GET',
      path: '/api/v1/approvals/:id',
      handle: async (exchange) => json(await visible(edge, exchange)),
    },
    { method: 'POST', path: '/api/v1/approvals/:id', handle: (exchange) => decide(edge, exchange) },
  ];
}

async function list(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { caller } = exchange;
  const page = readQuery(exchange, PageQuery);
  const user_id = permits(caller.permissions, APPROVALS) ? undefined : caller.user_id;
  const { items, next_cursor } = await edge.ports.store.read('approval.list', { user_id, page }, FRESH);
  return json({ items: user_id === undefined ? items : items.filter((row) => owns(caller, row)), next_cursor });
}

/** One the caller may see. */
async function visible({ ports }: EdgeContext, exchange: Exchange): Promise<ApprovalRow> {
  const id = idFrom(param(exchange, 'id'), 'request for approval');
  const row = await ports.store.read('approval.get', { id }, FRESH);
  if (!permits(exchange.caller.permissions, APPROVALS)) checkOwner(exchange.caller, row, 'request for approval');
  return row;
}

/** @throws Refusal `forbidden`: it is somebody else's, or the caller is a guest, who allows nothing */
async function checkMayDecide(edge: EdgeContext, caller: Caller, row: ApprovalRow): Promise<void> {
  if (permits(caller.permissions, APPROVALS)) return;
  if (!owns(caller, row))
    throw new Refusal(
      'forbidden',
      `This is for ${row.user_id} or whoever has the permission \`${APPROVALS}\` to decide.`,
    );
  if ((await roleOf(edge, caller.user_id)) === 'guest')
    throw new Refusal('forbidden', 'A guest approves nothing; an admin of this gateway decides.');
}

/** Undefined for a user who has a token and no entry. */
async function roleOf({ ports }: EdgeContext, user_id: string): Promise<string | undefined> {
  try {
    return (await ports.gateway.users.get(user_id)).role;
  } catch (thrown) {
    if (toFailure(thrown).code === 'not_found') return undefined;
    throw thrown;
  }
}

async function decide(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { ports } = edge;
  const { decision } = await readBody(exchange, ApprovalRequest);
  const { caller, requestId } = exchange;
  const row = await visible(edge, exchange);
  await checkMayDecide(edge, caller, row);
  if (row.decision !== null) throw decidedAlready(row);
  const session = address('session', row.session_id);
  const body = { id: row.id, decision, by: caller.user_id };
  const answered = await ask(ports.bus, session, 'session.approval', body, DECIDE_MS, requestId);
  const now = await ports.store.read('approval.get', { id: row.id }, { after: answered.seq });
  if (answered.status === 'over') throw decidedAlready(now);
  return json(now);
}

/** Says who decided, and how; a request that is over without that went with its turn. */
function decidedAlready({ id, decision, decided_by, decided_at }: ApprovalRow): Refusal {
  const how = {
    approve: `was approved by ${decided_by} at ${decided_at}`,
    deny: `was denied by ${decided_by} at ${decided_at}`,
    expired: `expired at ${decided_at}`,
    cancelled: 'ended with its turn',
  }[decision ?? 'cancelled'];
  return new Refusal('conflict', `The request for approval ${id} ${how}.`, { members: { decision, decided_by } });
}
