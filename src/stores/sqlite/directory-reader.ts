// SPDX-License-Identifier: Apache-2.0
// The directory in gateway.db as it is read: users with their identities, pairings, tokens without what they are.

import type { TokenRow } from '../directory-commands.ts';
import type { DirectoryQueries } from '../directory-queries.ts';
import type { StoredIdentity, StoredPairing, StoredUser } from '../directory-records.ts';
import type { Page, PageRequest } from '../page.ts';
import { pageLimit, pageOf, placeOf } from './cursor.ts';
import type { SqliteDatabase } from './database.ts';

type UserFields = Omit<StoredUser, 'identities'>;
type Listed<T> = T & { readonly seq: number };
type TokenFields = Omit<TokenRow, 'permissions'> & { readonly permissions: string | null };

/** Over a connection that is open; {@link GatewayReader} has it. */
export class DirectoryReader {
  readonly #sql: ReturnType<typeof prepare>;

  constructor(db: SqliteDatabase) {
    this.#sql = prepare(db);
  }

  user(id: string): StoredUser | undefined {
    const fields = this.#sql.user.get(id);
    return fields === undefined ? undefined : this.#whole(fields);
  }

  byIdentity(channel: string, platform_id: string): StoredUser | undefined {
    const id = this.#sql.identity.get(channel, platform_id);
    return id === undefined ? undefined : this.user(id);
  }

  users(page: PageRequest): Page<StoredUser> {
    const limit = pageLimit(page.limit);
    const rows = this.#sql.users.all(placeOf('users', page, ''), limit + 1);
    return pageOf(
      'users',
      limit,
      rows,
      ({ id }) => id,
      (fields) => this.#whole(fields),
    );
  }

  pairing(id: string): StoredPairing | undefined {
    return this.#sql.pairing.get(id);
  }

  byChannel(channel: string, channel_id: string): StoredPairing | undefined {
    return this.#sql.byChannel.get(channel, channel_id);
  }

  pairings(filter: DirectoryQueries['pairing.list']['body']['filter'], page: PageRequest): Page<StoredPairing> {
    const limit = pageLimit(page.limit);
    const { user_id = null, channel = null, status = null } = filter;
    const rows = this.#sql.pairings.all({
      after: placeOf('pairings', page, 0),
      ...{ user_id, channel, status },
      most: limit + 1,
    });
    return pageOf('pairings', limit, rows, ({ seq }) => seq, withoutSeq);
  }

  tokens(user_id: string | undefined, page: PageRequest): Page<TokenRow> {
    const limit = pageLimit(page.limit);
    const rows = this.#sql.tokens.all({
      after: placeOf('tokens', page, 0),
      user_id: user_id ?? null,
      most: limit + 1,
    });
    return pageOf(
      'tokens',
      limit,
      rows,
      ({ seq }) => seq,
      (row) => {
        const { permissions, ...token } = withoutSeq(row);
        return { ...token, permissions: permissions === null ? null : (JSON.parse(permissions) as string[]) };
      },
    );
  }

  #whole(fields: UserFields): StoredUser {
    const { id, name, role, session_mode, created_at, updated_at } = fields;
    return { id, name, role, session_mode, identities: this.#sql.identities.all(id), created_at, updated_at };
  }
}

function withoutSeq<T>({ seq: _, ...row }: Listed<T>): Omit<Listed<T>, 'seq'> & T {
  return row as Omit<Listed<T>, 'seq'> & T;
}

const PAIRING = `id, user_id, channel, channel_type, channel_id, platform_id, display_name, workspace_id, status, origin,
  created_at`;

interface PairingPage {
  readonly after: number;
  readonly user_id: string | null;
  readonly channel: string | null;
  readonly status: string | null;
  readonly most: number;
}

function prepare(db: SqliteDatabase) {
  return {
    user: db.prepare<[string], UserFields>('SELECT * FROM users WHERE id = ?'),
    users: db.prepare<[string, number], UserFields>('SELECT * FROM users WHERE id > ? ORDER BY id LIMIT ?'),
    identities: db.prepare<[string], StoredIdentity>(
      'SELECT channel, platform_id, display_name FROM identities WHERE user_id = ? ORDER BY place',
    ),
    identity: db
      .prepare<[string, string], string>('SELECT user_id FROM identities WHERE channel = ? AND platform_id = ?')
      .pluck(),
    pairing: db.prepare<[string], StoredPairing>(`SELECT ${PAIRING} FROM pairings WHERE id = ?`),
    byChannel: db.prepare<[string, string], StoredPairing>(
      `SELECT ${PAIRING} FROM pairings WHERE channel = ? AND channel_id = ? ORDER BY seq LIMIT 1`,
    ),
    pairings: db.prepare<[PairingPage], Listed<StoredPairing>>(
      `SELECT seq, ${PAIRING} FROM pairings
       WHERE seq > @after AND (@user_id IS NULL OR user_id = @user_id) AND (@channel IS NULL OR channel = @channel)
         AND (@status IS NULL OR status = @status)
       ORDER BY seq LIMIT @most`,
    ),
    tokens: db.prepare<[Pick<PairingPage, 'after' | 'user_id' | 'most'>], Listed<TokenFields>>(
      `SELECT seq, id, user_id, name, permissions, created_at, last_used_at, expires_at FROM tokens
       WHERE seq > @after AND (@user_id IS NULL OR user_id = @user_id) ORDER BY seq LIMIT @most`,
    ),
  };
}
