// SPDX-License-Identifier: Apache-2.0
// What of the directory stands in the configuration: users and tokens that are known from the start and changed there alone.

import type { Config } from '../config/schema.ts';
import { identityKey } from './directory.ts';
import type { Fixed } from './directory-rules.ts';
import type { Token, User } from './gateway-store.ts';

/** The owner's user id: known without standing anywhere. */
export const OWNER_ID = 'owner';

export interface ConfiguredDirectory {
  readonly fixed: Fixed;
  /** In order of their ids. */
  readonly users: readonly User[];
  readonly tokens: readonly Token[];
}

/** The id a configured token is listed under: its place in `auth.tokens`. */
export function configuredTokenId(index: number): string {
  return `config-${index}`;
}

/** The id the token in the data directory is listed under. */
export const OWNER_TOKEN_ID = 'owner-token';

export function configuredDirectory(config: Pick<Config, 'users' | 'auth' | 'workspaces'>): ConfiguredDirectory {
  const users = config.users
    .map(({ id, name, role, session_mode, identities }): User => {
      const known = identities.map(({ channel, platform_id }) => ({
        channel,
        platformId: platform_id,
        displayName: '',
      }));
      const written = { configured: true, createdAt: null, updatedAt: null };
      return { id, name, role, sessionMode: session_mode ?? null, identities: known, ...written };
    })
    .sort((one, other) => (one.id < other.id ? -1 : 1));
  const written = { configured: true, createdAt: null, lastUsedAt: null, expiresAt: null };
  const tokens = config.auth.tokens.map(({ user_id, name, permissions }, index): Token => {
    return { id: configuredTokenId(index), userId: user_id, name, permissions: permissions ?? null, ...written };
  });
  if (config.auth.mode === 'token' && tokens.length === 0)
    tokens.push({ id: OWNER_TOKEN_ID, userId: OWNER_ID, name: 'owner', permissions: ['admin:*'], ...written });
  const identities = config.users.flatMap(({ id, identities: own }) =>
    own.map((identity) => [identityKey(identity), id] as const),
  );
  const named = config.auth.tokens.map(({ user_id }) => user_id);
  return {
    users,
    tokens,
    fixed: {
      users: new Set(config.users.map(({ id }) => id)),
      owners: new Set([
        ...(config.users.some(({ id }) => id === OWNER_ID) ? [] : [OWNER_ID]),
        ...config.users.flatMap(({ id, role }) => (role === 'owner' ? [id] : [])),
      ]),
      identities: new Map(identities),
      known: new Set([OWNER_ID, ...named]),
      named: new Set(named),
      tokens: new Set(tokens.map(({ id }) => id)),
      workspaces: new Set(Object.keys(config.workspaces)),
    },
  };
}
