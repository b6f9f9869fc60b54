// SPDX-License-Identifier: Apache-2.0
// The schema of a workspace's sessions.db, and its rows as they lie there.

import type { FinishReason, Origin } from '../records.ts';
import type { MessageRow, SessionRow, TurnStatus } from '../session-store.ts';
import type { Migrations } from './database.ts';
import { VIEW_STATE } from './view-state.ts';

/** What is told of a session: all but its number in the file. */
export const SESSION_COLUMNS =
  'id, user_id, channel, title, model, status, turns, messages, created_at, updated_at, updated_seq, details';

/** A message but for whose it is. */
export const MESSAGE_COLUMNS =
  'seq, user_id, id, turn_id, role, origin, at, tool_calls, tool_call_id, is_error, truncated, extras, content';

/** A turn but for whose it is. */
export const TURN_COLUMNS =
  'id, user_id, message_id, status, model, reply_id, finish_reason, error_code, error_message, input_tokens, output_tokens, ' +
  'cache_read_tokens, cache_write_tokens, cost_usd, created_at, started_at, ended_at, first_seq, last_seq, events, said, answered_by, content';

/** What there was of a turn when it got a session's number. */
export const KEYED_TURN_COLUMNS = TURN_COLUMNS.replace('answered_by, ', '');

/** Messages lie under the seq of their record, so that the newest are together and lists need no sorting. */
export const SESSIONS_MIGRATIONS: Migrations = [
  `${VIEW_STATE}
   CREATE TABLE sessions (
     id TEXT PRIMARY KEY,
     user_id TEXT NOT NULL,
     channel TEXT NOT NULL,
     title TEXT NOT NULL,
     model TEXT NOT NULL,
     status TEXT NOT NULL,
     turns INTEGER NOT NULL,
     messages INTEGER NOT NULL,
     created_at INTEGER NOT NULL,
     updated_at INTEGER NOT NULL,
     updated_seq INTEGER NOT NULL,
     details TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX sessions_recent ON sessions (updated_seq);
   CREATE INDEX sessions_of_user ON sessions (user_id, updated_seq);
   CREATE TABLE messages (
     seq INTEGER PRIMARY KEY,
     session_id TEXT NOT NULL,
     user_id TEXT NOT NULL,
     id TEXT NOT NULL,
     turn_id TEXT NOT NULL,
     role TEXT NOT NULL,
     origin TEXT NOT NULL,
     at INTEGER NOT NULL,
     tool_calls TEXT,
     tool_call_id TEXT,
     is_error INTEGER NOT NULL,
     truncated INTEGER NOT NULL,
     extras TEXT,
     content TEXT NOT NULL
   ) STRICT;
   CREATE INDEX messages_of_session ON messages (session_id);
   CREATE INDEX messages_by_key ON messages (session_id, id) WHERE role = 'user';
   CREATE TABLE turns (
     id TEXT PRIMARY KEY,
     session_id TEXT NOT NULL,
     user_id TEXT NOT NULL,
     message_id TEXT NOT NULL,
     status TEXT NOT NULL,
     model TEXT NOT NULL,
     reply_id TEXT,
     finish_reason TEXT,
     error_code TEXT,
     error_message TEXT,
     input_tokens INTEGER NOT NULL,
     output_tokens INTEGER NOT NULL,
     cache_read_tokens INTEGER NOT NULL,
     cache_write_tokens INTEGER NOT NULL,
     cost_usd REAL NOT NULL,
     created_at INTEGER NOT NULL,
     started_at INTEGER,
     ended_at INTEGER,
     first_seq INTEGER NOT NULL,
     last_seq INTEGER NOT NULL,
     content TEXT NOT NULL
   ) STRICT;`,
  // The number of a turn's last event. Nothing was ever trimmed before this step, so the journal fills the file again.
  `ALTER TABLE turns ADD COLUMN events INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE turns ADD COLUMN said INTEGER NOT NULL DEFAULT 0;
   DELETE FROM sessions; DELETE FROM messages; DELETE FROM turns;
   UPDATE view_state SET journal = '', upto = 0, mark = '';`,
  // A session's id is long and stood in every message three times: what points to it has a number instead.
  `CREATE TABLE keyed_sessions (
     key INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     user_id TEXT NOT NULL,
     channel TEXT NOT NULL,
     title TEXT NOT NULL,
     model TEXT NOT NULL,
     status TEXT NOT NULL,
     turns INTEGER NOT NULL,
     messages INTEGER NOT NULL,
     created_at INTEGER NOT NULL,
     updated_at INTEGER NOT NULL,
     updated_seq INTEGER NOT NULL,
     details TEXT NOT NULL
   ) STRICT;
   INSERT INTO keyed_sessions (${SESSION_COLUMNS}) SELECT ${SESSION_COLUMNS} FROM sessions;
   CREATE TABLE keyed_messages (
     seq INTEGER PRIMARY KEY,
     session INTEGER NOT NULL,
     user_id TEXT NOT NULL,
     id TEXT NOT NULL,
     turn_id TEXT NOT NULL,
     role TEXT NOT NULL,
     origin TEXT NOT NULL,
     at INTEGER NOT NULL,
     tool_calls TEXT,
     tool_call_id TEXT,
     is_error INTEGER NOT NULL,
     truncated INTEGER NOT NULL,
     extras TEXT,
     content TEXT NOT NULL
   ) STRICT;
   INSERT INTO keyed_messages (session, ${MESSAGE_COLUMNS})
     SELECT (SELECT key FROM keyed_sessions WHERE keyed_sessions.id = session_id), ${MESSAGE_COLUMNS} FROM messages;
   CREATE TABLE keyed_turns (
     id TEXT PRIMARY KEY,
     session INTEGER NOT NULL,
     user_id TEXT NOT NULL,
     message_id TEXT NOT NULL,
     status TEXT NOT NULL,
     model TEXT NOT NULL,
     reply_id TEXT,
     finish_reason TEXT,
     error_code TEXT,
     error_message TEXT,
     input_tokens INTEGER NOT NULL,
     output_tokens INTEGER NOT NULL,
     cache_read_tokens INTEGER NOT NULL,
     cache_write_tokens INTEGER NOT NULL,
     cost_usd REAL NOT NULL,
     created_at INTEGER NOT NULL,
     started_at INTEGER,
     ended_at INTEGER,
     first_seq INTEGER NOT NULL,
     last_seq INTEGER NOT NULL,
     events INTEGER NOT NULL,
     said INTEGER NOT NULL,
     content TEXT NOT NULL
   ) STRICT;
   INSERT INTO keyed_turns (session, ${KEYED_TURN_COLUMNS})
     SELECT (SELECT key FROM keyed_sessions WHERE keyed_sessions.id = session_id), ${KEYED_TURN_COLUMNS} FROM turns;
   DROP TABLE sessions; DROP TABLE messages; DROP TABLE turns;
   ALTER TABLE keyed_sessions RENAME TO sessions;
   ALTER TABLE keyed_messages RENAME TO messages;
   ALTER TABLE keyed_turns RENAME TO turns;
   CREATE INDEX sessions_recent ON sessions (updated_seq);
   CREATE INDEX sessions_of_user ON sessions (user_id, updated_seq);
   CREATE INDEX messages_of_session ON messages (session);
   CREATE INDEX messages_by_key ON messages (session, id) WHERE role = 'user';`,
  // The turn that answers a message which waited for this one.
  'ALTER TABLE turns ADD COLUMN answered_by TEXT;',
];

export interface StoredSession {
  /** What messages and turns call it by, in this file alone. */
  readonly key: number;
  readonly id: string;
  readonly user_id: string;
  readonly channel: string;
  readonly title: string;
  readonly model: string;
  readonly status: SessionRow['status'];
  readonly turns: number;
  readonly messages: number;
  readonly created_at: number;
  readonly updated_at: number;
  readonly updated_seq: number;
  readonly details: string;
}

export interface StoredMessage {
  readonly seq: number;
  readonly session: number;
  readonly user_id: string;
  readonly id: string;
  readonly turn_id: string;
  readonly role: MessageRow['role'];
  readonly origin: Origin;
  readonly at: number;
  readonly tool_calls: string | null;
  readonly tool_call_id: string | null;
  readonly is_error: number;
  readonly truncated: number;
  readonly extras: string | null;
  readonly content: string;
}

export interface StoredTurn {
  readonly id: string;
  readonly session: number;
  readonly user_id: string;
  readonly message_id: string;
  readonly status: TurnStatus;
  readonly model: string;
  readonly reply_id: string | null;
  readonly finish_reason: FinishReason | null;
  readonly error_code: string | null;
  readonly error_message: string | null;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_write_tokens: number;
  readonly cost_usd: number;
  readonly created_at: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  readonly first_seq: number;
  readonly last_seq: number;
  readonly events: number;
  readonly said: number;
  readonly answered_by: string | null;
  readonly content: string;
}
