// SPDX-License-Identifier: Apache-2.0
// Rows as they are kept and crossed with a thread, as the gateway's store gives them: names and times of the domain.

import type { Instant } from '../world.ts';
import type { AuditRow } from './audit.ts';
import type { CodeRow, TokenRow } from './directory-commands.ts';
import type { StoredIdentity, StoredPairing, StoredUser, StoredWorkspace } from './directory-records.ts';
import type { AuditEntry, Identity, MadeWorkspace, Pairing, PairingCode, Token, User } from './gateway-store.ts';

/** Makes a time of epoch milliseconds: the world is given, also what its times are made with. */
export type DateOf = (epoch: number) => Instant;

export function storedIdentity({ channel, platformId, displayName }: Identity): StoredIdentity {
  return { channel, platform_id: platformId, display_name: displayName };
}

export function userOf({ session_mode, created_at, updated_at, identities, ...user }: StoredUser, date: DateOf): User {
  return {
    ...user,
    sessionMode: session_mode,
    identities: identities.map(({ channel, platform_id, display_name }) => {
      return { channel, platformId: platform_id, displayName: display_name };
    }),
    configured: false,
    createdAt: date(created_at),
    updatedAt: date(updated_at),
  };
}

export function pairingOf(pairing: StoredPairing, date: DateOf): Pairing {
  const { id, user_id, channel, channel_type, channel_id, platform_id, display_name, workspace_id } = pairing;
  const { status, origin, created_at } = pairing;
  const where = { channel, channelType: channel_type, channelId: channel_id, workspaceId: workspace_id };
  const who = { platformId: platform_id, displayName: display_name };
  return { id, userId: user_id, ...where, ...who, status, origin, createdAt: date(created_at) };
}

export function codeRowOf(code: CodeRow, date: DateOf): PairingCode {
  const { id, channel, workspace_id, user_id, role, created_at, expires_at } = code;
  const times = { createdAt: date(created_at), expiresAt: date(expires_at) };
  return { id, channel, workspaceId: workspace_id, userId: user_id, role, ...times };
}

export function workspaceOf(workspace: StoredWorkspace, date: DateOf): MadeWorkspace {
  const { id, description, members, bindings, created_at, updated_at } = workspace;
  return { id, description, members, bindings, createdAt: date(created_at), updatedAt: date(updated_at) };
}

export function tokenOf(row: TokenRow, date: DateOf): Token {
  const { id, user_id, name, permissions, created_at, last_used_at, expires_at = null } = row;
  const times = {
    createdAt: date(created_at),
    lastUsedAt: last_used_at === null ? null : date(last_used_at),
    expiresAt: expires_at === null ? null : date(expires_at),
  };
  return { id, userId: user_id, name, permissions, configured: false, ...times };
}

export function entryOf(row: AuditRow, date: DateOf): AuditEntry {
  const { n, at, action, actor, plugin, workspace_id, session_id, result, details, hash } = row;
  const place = { plugin, workspaceId: workspace_id, sessionId: session_id };
  return { id: n, at: date(at), action, actor, ...place, details: detailsOf(details), result, hash };
}

/** What somebody has tampered with may be no JSON any more: it is shown as it is. */
function detailsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // As below.
  }
  return { unreadable: text };
}
