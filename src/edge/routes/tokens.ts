// SPDX-License-Identifier: Apache-2.0
// Tokens: one's own for everybody, anybody's for those with `admin:tokens`; nobody hands on more than they have.

import { SigilError } from '../../errors.ts';
import { mayGrant, permissionsOfRole, permits } from '../../security/permission.ts';
import type { Token } from '../../stores/gateway-store.ts';
import { readBody, readQuery } from '../body.ts';
import type { EdgeContext } from '../context.ts';
import { type Answer, actorOf, type Caller, type Exchange, json, param, type Route } from '../exchange.ts';
import { invalid, Refusal } from '../problem.ts';
import { TokenRequest, TokensQuery } from '../schemas/directory.ts';
import type { TokenAnswer } from '../schemas/directory-answers.ts';

const ALL = 'admin:tokens';

export function tokenRoutes(edge: EdgeContext): readonly Route[] {
  return [
    { method: 'GET', path: '/api/v1/tokens', handle: (exchange) => list(edge, exchange) },
    { method: 'POST', path: '/api/v1/tokens', handle: (exchange) => create(edge, exchange) },
    { method: 'DELETE', path: '/api/v1/tokens/:id', handle: (exchange) => revoke(edge, exchange) },
  ];
}

const seesAll = (caller: Caller): boolean => permits(caller.permissions, ALL);

async function list(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { caller } = exchange;
  const { user_id, ...page } = readQuery(exchange, TokensQuery);
  if (!seesAll(caller) && user_id !== undefined && user_id !== caller.user_id)
    throw new Refusal('forbidden', `Tokens of other users need the permission \`${ALL}\`.`);
  const userId = seesAll(caller) ? user_id : caller.user_id;
  const { items, next_cursor } = await edge.ports.gateway.tokens.list({ userId }, page);
  return json({ items: items.map((token) => shownToken(edge, token)), next_cursor });
}

async function create(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { caller } = exchange;
  const { user_id = caller.user_id, name, permissions, expires_at } = await readBody(exchange, TokenRequest);
  // Another's token speaks in their name: that is more than any list of permissions.
  if (user_id !== caller.user_id && !caller.admin)
    throw new Refusal('forbidden', 'A token of another user needs the permission `admin:*`.');
  const opens = permissions ?? permissionsOfRole(await roleOf(edge, user_id, caller));
  if (!mayGrant(caller.permissions, opens))
    throw new Refusal('forbidden', 'A token may be given nothing that the one it is made with has not.');
  const asked = { userId: user_id, name, permissions, expiresAt: expiryOf(edge, caller, expires_at) };
  const { token, secret } = await edge.ports.gateway.tokens.create(asked, actorOf(exchange));
  return json({ ...shownToken(edge, token), token: secret });
}

/** Until when a token may be one: no longer than the one it is made with. @throws Refusal */
function expiryOf(edge: EdgeContext, caller: Caller, asked: string | null): number | null {
  const most = caller.expires_at ?? null;
  if (asked === null) return most;
  const at = Date.parse(asked);
  if (at <= edge.ports.world.now()) throw invalid([{ path: 'expires_at', message: 'has passed already' }]);
  if (most !== null && at > most) throw new Refusal('forbidden', 'A token may not outlive the one it is made with.');
  return at;
}

/** What the user of a token without a list is: for who has everything it does not matter. */
async function roleOf(edge: EdgeContext, user_id: string, caller: Caller): Promise<string> {
  if (caller.admin) return 'owner';
  try {
    return (await edge.ports.gateway.users.get(user_id)).role;
  } catch (thrown) {
    if (thrown instanceof SigilError && thrown.failure.code === 'not_found')
      return user_id === 'owner' ? 'owner' : 'member';
    throw thrown;
  }
}

async function revoke(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { caller } = exchange;
  const id = param(exchange, 'id');
  const owner = edge.ports.live.find(id)?.user_id;
  // Whose it is is nobody else's business, nor whether there is one.
  if (!seesAll(caller) && owner !== caller.user_id) throw new Refusal('not_found', `There is no token ${id}.`);
  await edge.ports.gateway.tokens.revoke(id, actorOf(exchange));
  return json({ id, removed: true });
}

export function shownToken(edge: EdgeContext, token: Token): TokenAnswer {
  const { id, userId, name, permissions, configured, createdAt, lastUsedAt, expiresAt } = token;
  const used = edge.ports.live.lastUsed(id) ?? lastUsedAt?.getTime();
  return {
    ...{ id, user_id: userId, name, permissions, configured },
    created_at: createdAt?.toISOString() ?? null,
    last_used_at: used === undefined ? null : edge.ports.world.iso(used),
    expires_at: expiresAt?.toISOString() ?? null,
  };
}
