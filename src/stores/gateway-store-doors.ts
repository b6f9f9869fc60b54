// SPDX-License-Identifier: Apache-2.0
// The gateway's store over its two doors: changes go to the directory's one owner, questions to the views.

import { failure, SigilError } from '../errors.ts';
import { checkKept, NO_AUDIT } from './audit.ts';
import type { Actor, DirectoryChange, DirectoryChanges } from './directory-commands.ts';
import { LET_IN_AS } from './directory-pairings.ts';
import type {
  AgentSwitch,
  AuditStore,
  GatewayStore,
  ListRequest,
  PairingStore,
  Token,
  TokenStore,
  User,
  UserStore,
  WorkspaceStore,
} from './gateway-store.ts';
import {
  codeRowOf,
  type DateOf,
  entryOf,
  pairingOf,
  storedIdentity,
  tokenOf,
  userOf,
  workspaceOf,
} from './gateway-store-rows.ts';
import type { Page } from './page.ts';
import type { ReadStore } from './session-store.ts';

export interface GatewayStoreDoors {
  /** Settles when what was changed is durable; rejects with a SigilError. */
  change<T extends DirectoryChange>(
    type: T,
    body: DirectoryChanges[T]['body'],
    by: Actor,
  ): Promise<DirectoryChanges[T]['reply']>;
  readonly store: ReadStore;
  readonly date: DateOf;
  /** A new token: its id, itself, and what it is compared with. */
  mint(): { readonly id: string; readonly secret: string; readonly hash: string };
  /** A new pairing code for a channel: the same, and until when it is good. */
  mintCode(channel: string): MintedCode;
  /** What stands in the configuration now, in order of id. */
  readonly users: () => readonly User[];
  readonly tokens: () => readonly Token[];
  close(): Promise<void>;
}

export interface MintedCode {
  readonly id: string;
  readonly secret: string;
  readonly hash: string;
  /** Epoch milliseconds. */
  readonly expires_at: number;
}

/** Entries of the audit that are checked in one go. */
const CHECKED = 2_000;
/** Whatever was acknowledged before, by whomever, is seen. */
const FRESH = { after: 'latest' } as const;
const LIMIT = 50;
/** What a cursor in the part of a list begins with that comes from the configuration. */
const CONFIGURED = 'c:';

export function createGatewayStore(doors: GatewayStoreDoors): GatewayStore {
  return {
    users: userStore(doors),
    pairings: pairingStore(doors),
    workspaces: workspaceStore(doors),
    tokens: tokenStore(doors),
    auditLog: auditStore(doors),
    agent: agentSwitch(doors),
    close: () => doors.close(),
  };
}

function agentSwitch({ change, date }: GatewayStoreDoors): AgentSwitch {
  return {
    pause: async (why, user) => {
      const { by, reason, since } = (await change('agent.pause', { reason: why }, user)).paused;
      return { by, reason, since: date(since) };
    },
    resume: async (user) => {
      await change('agent.resume', {}, user);
    },
  };
}

function pageOf({ limit = LIMIT, cursor }: ListRequest = {}): { readonly limit: number; readonly cursor?: string } {
  return cursor === undefined ? { limit } : { limit, cursor };
}

/** A list that begins with what the configuration has; `rest` gives pages of the other. */
async function listed<T>(
  fixed: readonly T[],
  request: ListRequest | undefined,
  rest: (page: { readonly limit: number; readonly cursor?: string }) => Promise<Page<T>>,
): Promise<Page<T>> {
  const { limit, cursor } = pageOf(request);
  const inside = cursor?.startsWith(CONFIGURED) === true;
  if (cursor !== undefined && !inside) return await rest({ limit, cursor });
  const from = inside ? Number(cursor.slice(CONFIGURED.length)) : 0;
  if (!Number.isSafeInteger(from) || from < 0)
    throw new SigilError(failure('validation_failed', 'the cursor is not one of this list'));
  const items = fixed.slice(from, from + limit);
  const next = from + items.length;
  if (next < fixed.length) return { items, next_cursor: `${CONFIGURED}${next}` };
  if (items.length === limit) return { items, next_cursor: `${CONFIGURED}${fixed.length}` };
  const more = await rest({ limit: limit - items.length });
  return { items: [...items, ...more.items], next_cursor: more.next_cursor };
}

function userStore({ change, store, date, users }: GatewayStoreDoors): UserStore {
  let of: readonly User[] = [];
  let byId: ReadonlyMap<string, User> = new Map();
  const configured = (): ReadonlyMap<string, User> => {
    const now = users();
    if (now !== of) {
      of = now;
      byId = new Map(now.map((user) => [user.id, user]));
    }
    return byId;
  };
  return {
    async create({ id, name = '', role = 'member', sessionMode = null, identities = [] }, by) {
      const user = { id, name, role, session_mode: sessionMode, identities: identities.map(storedIdentity) };
      return userOf(await change('user.create', user, by), date);
    },
    async get(id) {
      return configured().get(id) ?? userOf(await store.read('user.get', { id }, FRESH), date);
    },
    async getByIdentity(channel, platformId) {
      const known = users().find(({ identities }) =>
        identities.some((identity) => identity.channel === channel && identity.platformId === platformId),
      );
      if (known !== undefined) return known;
      const { user } = await store.read('user.by_identity', { channel, platform_id: platformId }, FRESH);
      if (user === null) return null;
      return configured().get(user.id) ?? userOf(user, date);
    },
    async update(id, { name, role, sessionMode }, by) {
      const asked = {
        id,
        ...(name === undefined ? {} : { name }),
        ...(role === undefined ? {} : { role }),
        ...(sessionMode === undefined ? {} : { session_mode: sessionMode }),
      };
      return userOf(await change('user.update', asked, by), date);
    },
    async link(id, identity, by) {
      return userOf(await change('user.link', { id, identity: storedIdentity(identity) }, by), date);
    },
    async unlink(id, channel, platformId, by) {
      return userOf(await change('user.unlink', { id, channel, platform_id: platformId }, by), date);
    },
    list: (request) =>
      listed(users(), request, async (page) => {
        const { items, next_cursor } = await store.read('user.list', { page }, FRESH);
        // One that was stored before the configuration had it is hidden by that.
        return {
          items: items.filter(({ id }) => !configured().has(id)).map((user) => userOf(user, date)),
          next_cursor,
        };
      }),
    async delete(id, by) {
      await change('user.delete', { id }, by);
    },
  };
}

function pairingStore({ change, store, date, mintCode }: GatewayStoreDoors): PairingStore {
  const list: PairingStore['list'] = async ({ userId, channel, status } = {}, request) => {
    const body = { filter: { user_id: userId, channel, status }, page: pageOf(request) };
    const { items, next_cursor } = await store.read('pairing.list', body, FRESH);
    return { items: items.map((pairing) => pairingOf(pairing, date)), next_cursor };
  };
  return {
    list,
    async create(pairing, by) {
      const { userId, channel, channelType, channelId, workspaceId, status } = pairing;
      const { platformId = channelId, displayName = '' } = pairing;
      const where = { channel, channel_type: channelType, channel_id: channelId, workspace_id: workspaceId };
      const who = { user_id: userId, platform_id: platformId, display_name: displayName };
      return pairingOf(await change('pairing.create', { ...who, ...where, status }, by), date);
    },
    async get(id) {
      return pairingOf(await store.read('pairing.get', { id }, FRESH), date);
    },
    async getByChannel(channel, channelId) {
      const { pairing } = await store.read('pairing.by_channel', { channel, channel_id: channelId }, FRESH);
      return pairing === null ? null : pairingOf(pairing, date);
    },
    getByUser: (userId, request) => list({ userId }, request),
    async setStatus(id, status, by, userId, role) {
      const whose = { ...(userId === undefined ? {} : { user_id: userId }), ...(role === undefined ? {} : { role }) };
      return pairingOf(await change('pairing.change', { id, status, ...whose }, by), date);
    },
    async delete(id, by) {
      await change('pairing.delete', { id }, by);
    },
    async createCode({ channel, workspaceId = '', userId = '', role = LET_IN_AS }, by) {
      const { secret, ...code } = mintCode(channel);
      const row = await change(
        'code.create',
        { ...code, channel, workspace_id: workspaceId, user_id: userId, role },
        by,
      );
      return { code: codeRowOf(row, date), secret };
    },
    async removeCode(id, by) {
      await change('code.remove', { id }, by);
    },
  };
}

function workspaceStore({ change, date }: GatewayStoreDoors): WorkspaceStore {
  return {
    async create({ id, description = '', members = [], bindings = [] }, by) {
      return workspaceOf(await change('workspace.create', { id, description, members, bindings }, by), date);
    },
    async update(id, { description, members, bindings }, by) {
      const asked = {
        ...(description === undefined ? {} : { description }),
        ...(members === undefined ? {} : { members }),
        ...(bindings === undefined ? {} : { bindings }),
      };
      return workspaceOf(await change('workspace.update', { id, ...asked }, by), date);
    },
    async delete(id, by) {
      await change('workspace.delete', { id }, by);
    },
  };
}

function tokenStore({ change, store, date, mint, tokens }: GatewayStoreDoors): TokenStore {
  return {
    async create({ userId, name, permissions, expiresAt = null }, by) {
      const { id, secret, hash } = mint();
      const made = await change(
        'token.create',
        { id, user_id: userId, name, permissions, hash, expires_at: expiresAt },
        by,
      );
      return { token: tokenOf(made, date), secret };
    },
    list: ({ userId } = {}, request) => {
      const fixed = userId === undefined ? tokens() : tokens().filter((token) => token.userId === userId);
      return listed(fixed, request, async (page) => {
        const body = { filter: { user_id: userId }, page };
        const { items, next_cursor } = await store.read('token.list', body, FRESH);
        return { items: items.map((token) => tokenOf(token, date)), next_cursor };
      });
    },
    async revoke(id, by) {
      await change('token.revoke', { id }, by);
    },
  };
}

function auditStore({ change, store, date }: GatewayStoreDoors): AuditStore {
  return {
    async query({ action, actor, plugin, workspaceId, from, to }, request) {
      const times = { from: from?.getTime(), to: to?.getTime() };
      const query = { action, actor, plugin, workspace_id: workspaceId, ...times };
      const { items, next_cursor } = await store.read('audit.query', { query, page: pageOf(request) }, FRESH);
      return { items: items.map((row) => entryOf(row, date)), next_cursor };
    },
    async verify(kept) {
      for (let at = NO_AUDIT; ; ) {
        const { at: sound, broken, done, head } = await store.read('audit.verify', { at, most: CHECKED }, FRESH);
        if (broken !== null || (done && kept === undefined)) return { checked: sound.n, broken, head };
        if (done && kept !== undefined) {
          const { hash } = await store.read('audit.hash', { n: kept.n }, FRESH);
          return { checked: sound.n, broken: checkKept(kept, head, hash), head };
        }
        at = sound;
      }
    },
    async note({ action, details, plugin = '', workspaceId = '', sessionId = '', result = 'ok' }, by) {
      const place = { plugin, workspace_id: workspaceId, session_id: sessionId };
      const told = by.via === '' ? details : { ...details, via: by.via };
      await change('audit.note', { action, actor: by.user_id, ...place, result, details: JSON.stringify(told) }, by);
    },
  };
}
