// SPDX-License-Identifier: Apache-2.0
// The schema of gateway.db: which workspace a session and a turn belong to, the workspaces there are, and usage by hour.

import { APPROVALS_SCHEMA } from './approvals-table.ts';
import type { Migrations } from './database.ts';
import { DIRECTORY_SCHEMA, PEOPLE_PAIRED, TOKENS_EXPIRE } from './directory-view.ts';
import { VIEW_STATE } from './view-state.ts';

export const GATEWAY_MIGRATIONS: Migrations = [
  `${VIEW_STATE}
   CREATE TABLE workspaces (
     id TEXT PRIMARY KEY,
     created_at INTEGER NOT NULL,
     sessions INTEGER NOT NULL,
     last_seq INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE sessions (
     session_id TEXT PRIMARY KEY,
     workspace_id TEXT NOT NULL,
     user_id TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE turns (
     turn_id TEXT PRIMARY KEY,
     workspace_id TEXT NOT NULL,
     session_id TEXT NOT NULL,
     model TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE usage (
     scope TEXT NOT NULL,
     hour INTEGER NOT NULL,
     provider TEXT NOT NULL,
     model TEXT NOT NULL,
     calls INTEGER NOT NULL,
     input_tokens INTEGER NOT NULL,
     output_tokens INTEGER NOT NULL,
     cache_read_tokens INTEGER NOT NULL,
     cache_write_tokens INTEGER NOT NULL,
     settled_tokens INTEGER NOT NULL,
     cost_usd REAL NOT NULL,
     PRIMARY KEY (scope, hour, provider, model)
   ) STRICT, WITHOUT ROWID;`,
  // Model calls that are journaled and not answered, with what is reserved for them: few at any time.
  `CREATE TABLE open_calls (
     turn_id TEXT PRIMARY KEY,
     workspace_id TEXT NOT NULL,
     call INTEGER NOT NULL,
     tokens INTEGER NOT NULL,
     cost_usd REAL NOT NULL
   ) STRICT, WITHOUT ROWID;`,
  // How far each projection beside the sessions' is, and the last row each workspace's file was given.
  `CREATE TABLE projections (
     name TEXT PRIMARY KEY,
     journal TEXT NOT NULL,
     upto INTEGER NOT NULL,
     mark TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE projected (
     file TEXT NOT NULL,
     workspace_id TEXT NOT NULL,
     last_seq INTEGER NOT NULL,
     PRIMARY KEY (file, workspace_id)
   ) STRICT, WITHOUT ROWID;`,
  // Usage by user: of what was used before, a session's own user is the one who used it.
  `${DIRECTORY_SCHEMA}
   ALTER TABLE turns ADD COLUMN user_id TEXT NOT NULL DEFAULT '';
   INSERT INTO usage (scope, hour, provider, model, calls, input_tokens, output_tokens, cache_read_tokens,
       cache_write_tokens, settled_tokens, cost_usd)
     SELECT 'user/' || s.user_id, u.hour, u.provider, u.model, sum(u.calls), sum(u.input_tokens), sum(u.output_tokens),
       sum(u.cache_read_tokens), sum(u.cache_write_tokens), sum(u.settled_tokens), sum(u.cost_usd)
     FROM usage u JOIN sessions s ON u.scope = 'session/' || s.session_id
     GROUP BY s.user_id, u.hour, u.provider, u.model;`,
  // Sessions that were ever compacted, and how it is with that: what is not over is taken up again at a start.
  `CREATE TABLE compactions (
     session_id TEXT PRIMARY KEY,
     workspace_id TEXT NOT NULL,
     id TEXT NOT NULL,
     state TEXT NOT NULL,
     attempts INTEGER NOT NULL,
     retry_at INTEGER,
     code TEXT NOT NULL,
     message TEXT NOT NULL,
     at INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX compactions_open ON compactions (state, session_id) WHERE state <> 'ended';`,
  APPROVALS_SCHEMA,
  PEOPLE_PAIRED,
  TOKENS_EXPIRE,
  // Calls that belong to no session say whose they are and which life of a thread makes them; those of sessions do not.
  `ALTER TABLE open_calls ADD COLUMN user_id TEXT NOT NULL DEFAULT '';
   ALTER TABLE open_calls ADD COLUMN model TEXT NOT NULL DEFAULT '';
   ALTER TABLE open_calls ADD COLUMN holder TEXT NOT NULL DEFAULT '';`,
];

/** Milliseconds of the spans usage is kept and asked by. */
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
