// SPDX-License-Identifier: Apache-2.0
// The writer of the directory in gateway.db: users, identities, pairings and tokens, in the transaction of the batch they come in.

import type { DirectoryRecord, StoredIdentity, StoredPairing, StoredUser } from '../directory-records.ts';
import type { JournalRow } from '../records.ts';
import type { ReadRowOf } from '../streams.ts';
import type { SqliteDatabase } from './database.ts';

/** What is emptied when the views are made anew. */
export const CLEAR_DIRECTORY = 'DELETE FROM users; DELETE FROM identities; DELETE FROM pairings; DELETE FROM tokens;';

/** Lists go by the row a thing was made with, which no later change moves. */
export const DIRECTORY_SCHEMA = `CREATE TABLE users (
     id TEXT PRIMARY KEY,
     name TEXT NOT NULL,
     role TEXT NOT NULL,
     session_mode TEXT,
     created_at INTEGER NOT NULL,
     updated_at INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE identities (
     channel TEXT NOT NULL,
     platform_id TEXT NOT NULL,
     user_id TEXT NOT NULL,
     display_name TEXT NOT NULL,
     place INTEGER NOT NULL,
     PRIMARY KEY (channel, platform_id)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX identities_of ON identities (user_id, place);
   CREATE TABLE pairings (
     seq INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     user_id TEXT NOT NULL,
     channel TEXT NOT NULL,
     channel_type TEXT NOT NULL,
     channel_id TEXT NOT NULL,
     workspace_id TEXT NOT NULL,
     status TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     UNIQUE (channel, channel_id)
   ) STRICT;
   CREATE INDEX pairings_of ON pairings (user_id);
   CREATE TABLE tokens (
     seq INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     user_id TEXT NOT NULL,
     name TEXT NOT NULL,
     permissions TEXT,
     created_at INTEGER NOT NULL,
     last_used_at INTEGER
   ) STRICT;
   CREATE INDEX tokens_of ON tokens (user_id);`;

/** Tokens may end by themselves. */
export const TOKENS_EXPIRE = 'ALTER TABLE tokens ADD COLUMN expires_at INTEGER;';

/** Pairings are of people, and once were of conversations: one of those was one person's, and was called as they are. */
export const PEOPLE_PAIRED = `ALTER TABLE pairings RENAME TO pairings_before;
   DROP INDEX pairings_of;
   CREATE TABLE pairings (
     seq INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     user_id TEXT NOT NULL,
     channel TEXT NOT NULL,
     channel_type TEXT NOT NULL,
     channel_id TEXT NOT NULL,
     platform_id TEXT NOT NULL,
     display_name TEXT NOT NULL,
     workspace_id TEXT NOT NULL,
     status TEXT NOT NULL,
     origin TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     UNIQUE (channel, channel_type, platform_id, workspace_id)
   ) STRICT;
   INSERT INTO pairings SELECT seq, id, user_id, channel, channel_type, channel_id, channel_id, '', workspace_id, status,
       'made', created_at
     FROM pairings_before;
   DROP TABLE pairings_before;
   CREATE INDEX pairings_of ON pairings (user_id);`;

export class DirectoryView {
  readonly #sql: ReturnType<typeof prepare>;

  constructor(db: SqliteDatabase) {
    this.#sql = prepare(db);
  }

  /** Inside a transaction. Rows come in order, each once. */
  apply({ row, record }: ReadRowOf<'gateway'>): void {
    this.#apply(row, record);
  }

  #apply(row: JournalRow, record: DirectoryRecord): void {
    const sql = this.#sql;
    switch (record.type) {
      case 'user_created': {
        const { identities, ...user } = record.user;
        sql.putUser.run(user);
        for (const [index, identity] of identities.entries()) this.#link(user.id, identity, row.seq * 1_000 + index);
        return;
      }
      case 'user_changed': {
        const { type: _, id, ...changes } = record;
        const user = sql.user.get(id);
        if (user !== undefined) sql.putUser.run({ ...user, ...changes, updated_at: row.at });
        return;
      }
      case 'user_deleted':
        for (const drop of [sql.dropUser, sql.dropIdentities, sql.dropPairingsOf, sql.dropTokensOf])
          drop.run(record.id);
        return;
      case 'identity_linked':
        this.#link(record.user_id, record.identity, row.seq * 1_000);
        sql.touchUser.run(row.at, record.user_id);
        return;
      case 'identity_unlinked':
        sql.dropIdentity.run(record.channel, record.platform_id);
        sql.touchUser.run(row.at, record.user_id);
        return;
      case 'pairing_created':
        sql.addPairing.run({ ...record.pairing, seq: row.seq });
        return;
      case 'pairing_changed':
        sql.setPairing.run(record.status, record.user_id ?? null, record.origin ?? null, record.id);
        return;
      case 'pairing_deleted':
        sql.dropPairing.run(record.id);
        return;
      case 'token_created': {
        const { hash: _, permissions, ...token } = record.token;
        const written = permissions === null ? null : JSON.stringify(permissions);
        sql.addToken.run({ ...token, expires_at: token.expires_at ?? null, permissions: written, seq: row.seq });
        return;
      }
      case 'token_revoked':
        sql.dropToken.run(record.id);
        return;
      case 'tokens_used':
        for (const [id, at] of Object.entries(record.at)) sql.useToken.run(at, id);
        return;
      case 'user_erasing':
        for (const drop of [sql.dropUser, sql.dropIdentities, sql.dropPairingsOf, sql.dropTokensOf])
          drop.run(record.user_id);
        return;
      // Codes are nobody's to read; workspaces, and whether the agent is paused, are in the table every thread holds.
      case 'code_created':
      case 'code_removed':
      case 'code_tried':
      case 'workspace_created':
      case 'workspace_changed':
      case 'workspace_deleted':
      case 'erasure_done':
      case 'agent_paused':
      case 'agent_resumed':
      case 'noted':
      case 'checkpoint':
        return;
      default:
        record satisfies never;
    }
  }

  #link(user_id: string, identity: StoredIdentity, place: number): void {
    this.#sql.link.run({ ...identity, user_id, place });
  }
}

type UserFields = Omit<StoredUser, 'identities'>;

interface TokenFields {
  readonly seq: number;
  readonly id: string;
  readonly user_id: string;
  readonly name: string;
  readonly permissions: string | null;
  readonly created_at: number;
  readonly last_used_at: number | null;
  readonly expires_at: number | null;
}

function prepare(db: SqliteDatabase) {
  return {
    user: db.prepare<[string], UserFields>(
      'SELECT id, name, role, session_mode, created_at, updated_at FROM users WHERE id = ?',
    ),
    putUser: db.prepare<[UserFields]>(
      `INSERT OR REPLACE INTO users (id, name, role, session_mode, created_at, updated_at)
       VALUES (@id, @name, @role, @session_mode, @created_at, @updated_at)`,
    ),
    touchUser: db.prepare<[number, string]>('UPDATE users SET updated_at = ? WHERE id = ?'),
    dropUser: db.prepare<[string]>('DELETE FROM users WHERE id = ?'),
    link: db.prepare<[StoredIdentity & { user_id: string; place: number }]>(
      `INSERT OR REPLACE INTO identities (channel, platform_id, user_id, display_name, place)
       VALUES (@channel, @platform_id, @user_id, @display_name, @place)`,
    ),
    dropIdentity: db.prepare<[string, string]>('DELETE FROM identities WHERE channel = ? AND platform_id = ?'),
    dropIdentities: db.prepare<[string]>('DELETE FROM identities WHERE user_id = ?'),
    addPairing: db.prepare<[StoredPairing & { seq: number }]>(
      `INSERT INTO pairings (seq, id, user_id, channel, channel_type, channel_id, platform_id, display_name, workspace_id,
         status, origin, created_at)
       VALUES (@seq, @id, @user_id, @channel, @channel_type, @channel_id, @platform_id, @display_name, @workspace_id,
         @status, @origin, @created_at)`,
    ),
    setPairing: db.prepare<[string, string | null, string | null, string]>(
      'UPDATE pairings SET status = ?, user_id = coalesce(?, user_id), origin = coalesce(?, origin) WHERE id = ?',
    ),
    dropPairing: db.prepare<[string]>('DELETE FROM pairings WHERE id = ?'),
    dropPairingsOf: db.prepare<[string]>('DELETE FROM pairings WHERE user_id = ?'),
    addToken: db.prepare<[TokenFields]>(
      `INSERT INTO tokens (seq, id, user_id, name, permissions, created_at, last_used_at, expires_at)
       VALUES (@seq, @id, @user_id, @name, @permissions, @created_at, @last_used_at, @expires_at)`,
    ),
    dropToken: db.prepare<[string]>('DELETE FROM tokens WHERE id = ?'),
    dropTokensOf: db.prepare<[string]>('DELETE FROM tokens WHERE user_id = ?'),
    useToken: db.prepare<[number, string]>('UPDATE tokens SET last_used_at = ? WHERE id = ?'),
  };
}
