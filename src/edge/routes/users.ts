// SPDX-License-Identifier: Apache-2.0
// Users and who they are on each platform; pairings. Whoever has a role to give away must have all it opens.

import { permissionsOfRole, permits } from '../../security/permission.ts';
import type { Identity, Pairing, PairingCode, User } from '../../stores/gateway-store.ts';
import { checkPermission } from '../access.ts';
import { readBody, readQuery } from '../body.ts';
import type { EdgeContext } from '../context.ts';
import { type Answer, actorOf, type Caller, type Exchange, json, param, type Route } from '../exchange.ts';
import { Refusal } from '../problem.ts';
import {
  CodeRequest,
  IdentityRequest,
  PairingChangeRequest,
  PairingRequest,
  PairingsQuery,
  UserChangeRequest,
  UserRequest,
} from '../schemas/directory.ts';
import type { NewCodeAnswer, PairingAnswer, UserAnswer } from '../schemas/directory-answers.ts';
import { PageQuery } from '../schemas/requests.ts';

const USERS = 'admin:users';
const PAIRINGS = 'admin:pairings';

export function userRoutes(edge: EdgeContext): readonly Route[] {
  return [
    { method: 'GET', path: '/api/v1/users', needs: USERS, handle: (exchange) => list(edge, exchange) },
    { method: 'POST', path: '/api/v1/users', needs: USERS, handle: (exchange) => create(edge, exchange) },
    {
      method: 'GET',
      path: '/api/v1/users/:id',
      needs: USERS,
      handle: async (exchange) => json(shownUser(await edge.ports.gateway.users.get(param(exchange, 'id')))),
    },
    { method: 'PATCH', path: '/api/v1/users/:id', needs: USERS, handle: (exchange) => update(edge, exchange) },
    { method: 'DELETE', path: '/api/v1/users/:id', needs: USERS, handle: (exchange) => remove(edge, exchange) },
    { method: 'POST', path: '/api/v1/users/:id/identities', needs: USERS, handle: (exchange) => link(edge, exchange) },
    {
      method: 'DELETE',
      path: '/api/v1/users/:id/identities/:channel/:platform_id',
      needs: USERS,
      handle: (exchange) => unlink(edge, exchange),
    },
    { method: 'GET', path: '/api/v1/pairings', needs: PAIRINGS, handle: (exchange) => pairings(edge, exchange) },
    { method: 'POST', path: '/api/v1/pairings', needs: PAIRINGS, handle: (exchange) => pair(edge, exchange) },
    { method: 'POST', path: '/api/v1/pairings/codes', needs: PAIRINGS, handle: (exchange) => code(edge, exchange) },
    {
      method: 'DELETE',
      path: '/api/v1/pairings/codes/:id',
      needs: PAIRINGS,
      handle: async (exchange) => {
        const id = param(exchange, 'id');
        await edge.ports.gateway.pairings.removeCode(id, actorOf(exchange));
        return json({ id, removed: true });
      },
    },
    { method: 'PATCH', path: '/api/v1/pairings/:id', needs: PAIRINGS, handle: (exchange) => decide(edge, exchange) },
    {
      method: 'DELETE',
      path: '/api/v1/pairings/:id',
      needs: PAIRINGS,
      handle: async (exchange) => {
        const id = param(exchange, 'id');
        await edge.ports.gateway.pairings.delete(id, actorOf(exchange));
        return json({ id, removed: true });
      },
    },
  ];
}

/** Who can act as somebody with this role can do all the role may. @throws Refusal `forbidden` */
function checkRole(caller: Caller, role: User['role']): void {
  for (const permission of permissionsOfRole(role)) {
    if (!permits(caller.permissions, permission)) checkPermission(caller, permission);
  }
}

/** Somebody's account may be touched only by who could act as them. */
async function touchable(edge: EdgeContext, exchange: Exchange): Promise<string> {
  const id = param(exchange, 'id');
  checkRole(exchange.caller, (await edge.ports.gateway.users.get(id)).role);
  return id;
}

async function list(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { items, next_cursor } = await edge.ports.gateway.users.list(readQuery(exchange, PageQuery));
  return json({ items: items.map(shownUser), next_cursor });
}

async function create(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { id, name, role, session_mode, identities } = await readBody(exchange, UserRequest);
  checkRole(exchange.caller, role);
  const user = { id, name, role, sessionMode: session_mode, identities: identities.map(identityOf) };
  return json(shownUser(await edge.ports.gateway.users.create(user, actorOf(exchange))));
}

async function update(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { name, role, session_mode } = await readBody(exchange, UserChangeRequest);
  const id = await touchable(edge, exchange);
  if (role !== undefined) checkRole(exchange.caller, role);
  const change = {
    ...(name === undefined ? {} : { name }),
    ...(role === undefined ? {} : { role }),
    ...(session_mode === undefined ? {} : { sessionMode: session_mode }),
  };
  return json(shownUser(await edge.ports.gateway.users.update(id, change, actorOf(exchange))));
}

async function remove(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const id = await touchable(edge, exchange);
  await edge.ports.gateway.users.delete(id, actorOf(exchange));
  return json({ id, removed: true });
}

async function link(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const identity = identityOf(await readBody(exchange, IdentityRequest));
  const id = param(exchange, 'id');
  // Who is known without an entry, as the owner is at first, has one from here on.
  await checkUser(edge, exchange.caller, id);
  return json(shownUser(await edge.ports.gateway.users.link(id, identity, actorOf(exchange))));
}

async function unlink(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const id = await touchable(edge, exchange);
  const [channel, platformId] = [param(exchange, 'channel'), param(exchange, 'platform_id')];
  return json(shownUser(await edge.ports.gateway.users.unlink(id, channel, platformId, actorOf(exchange))));
}

async function pairings(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { user_id, channel, status, ...page } = readQuery(exchange, PairingsQuery);
  const filter = { userId: user_id, channel, status };
  const { items, next_cursor } = await edge.ports.gateway.pairings.list(filter, page);
  return json({ items: items.map(shownPairing), next_cursor });
}

/** Whoever may speak in somebody's name may do what they may. */
async function checkUser(edge: EdgeContext, caller: Caller, user_id: string): Promise<void> {
  if (user_id === '' || caller.admin) return;
  checkRole(caller, (await edge.ports.gateway.users.get(user_id)).role);
}

async function pair(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const body = await readBody(exchange, PairingRequest);
  const { user_id, channel, channel_type, channel_id, platform_id, display_name, workspace_id, status } = body;
  await checkUser(edge, exchange.caller, user_id);
  const where = { channel, channelType: channel_type, channelId: channel_id, workspaceId: workspace_id };
  const who = { displayName: display_name, ...(platform_id === undefined ? {} : { platformId: platform_id }) };
  const made = await edge.ports.gateway.pairings.create(
    { userId: user_id, ...who, ...where, status },
    actorOf(exchange),
  );
  return json(shownPairing(made));
}

async function decide(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { status, user_id, role } = await readBody(exchange, PairingChangeRequest);
  const { pairings: store } = edge.ports.gateway;
  if (role !== undefined) checkRole(exchange.caller, role);
  const id = param(exchange, 'id');
  if (status === 'active') await checkUser(edge, exchange.caller, user_id ?? (await store.get(id)).userId);
  return json(shownPairing(await store.setStatus(id, status, actorOf(exchange), user_id, role)));
}

async function code(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { channel, workspace_id, user_id, role } = await readBody(exchange, CodeRequest);
  const { config, gateway } = edge.ports;
  if (!Object.hasOwn(config.channels, channel)) throw unknownChannel(channel, Object.keys(config.channels));
  checkRole(exchange.caller, role);
  await checkUser(edge, exchange.caller, user_id);
  const asked = { channel, workspaceId: workspace_id, userId: user_id, role };
  const { code: made, secret } = await gateway.pairings.createCode(asked, actorOf(exchange));
  return json(shownCode(made, secret));
}

function unknownChannel(name: string, names: readonly string[]): Refusal {
  const there = names.length === 0 ? 'none is configured' : `there is ${names.slice(0, 20).join(', ')}`;
  return new Refusal('not_found', `There is no channel ${name.slice(0, 64)}; ${there}.`);
}

function shownCode(made: PairingCode, secret: string): NewCodeAnswer {
  const { id, channel, workspaceId, userId, role, createdAt, expiresAt } = made;
  const times = { created_at: createdAt.toISOString(), expires_at: expiresAt.toISOString() };
  return { id, code: secret, channel, workspace_id: workspaceId, user_id: userId, role, ...times };
}

function identityOf(given: { channel: string; platform_id: string; display_name: string }): Identity {
  return { channel: given.channel, platformId: given.platform_id, displayName: given.display_name };
}

export function shownUser({
  id,
  name,
  role,
  sessionMode,
  identities,
  configured,
  createdAt,
  updatedAt,
}: User): UserAnswer {
  return {
    ...{ id, name, role, session_mode: sessionMode, configured },
    identities: identities.map(({ channel, platformId, displayName }) => {
      return { channel, platform_id: platformId, display_name: displayName };
    }),
    created_at: createdAt?.toISOString() ?? null,
    updated_at: updatedAt?.toISOString() ?? null,
  };
}

export function shownPairing(pairing: Pairing): PairingAnswer {
  const { id, userId, channel, channelType, channelId, platformId, displayName } = pairing;
  const { workspaceId, status, origin, createdAt } = pairing;
  const where = { channel, channel_type: channelType, channel_id: channelId, workspace_id: workspaceId };
  const who = { platform_id: platformId, display_name: displayName };
  return { id, user_id: userId, ...who, ...where, status, origin, created_at: createdAt.toISOString() };
}
