// SPDX-License-Identifier: Apache-2.0
// The schema of a workspace's memory.db: messages with their full text, and summaries.

import type { Migrations } from './database.ts';
import { VIEW_STATE } from './view-state.ts';

/**
 * The full text is an index only, over words cut for it (`text-words.ts`): what is shown is taken from the message.
 * AUTOINCREMENT, so that a number is never used again and a rebuild gives every message its own again.
 */
export const MEMORY_MIGRATIONS: Migrations = [
  `${VIEW_STATE}
   CREATE TABLE messages (
     n INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL,
     session_id TEXT NOT NULL,
     turn_id TEXT NOT NULL,
     user_id TEXT NOT NULL,
     role TEXT NOT NULL,
     origin TEXT NOT NULL,
     at INTEGER NOT NULL,
     tool_calls TEXT,
     tool_call_id TEXT,
     content TEXT NOT NULL
   ) STRICT;
   CREATE INDEX messages_by_id ON messages (id);
   CREATE INDEX messages_by_time ON messages (at, n);
   CREATE INDEX messages_of_session ON messages (session_id);
   CREATE VIRTUAL TABLE messages_text USING fts5 (
     words, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
   );
   CREATE TABLE summaries (
     n INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     session_id TEXT NOT NULL,
     from_at INTEGER NOT NULL,
     to_at INTEGER NOT NULL,
     content TEXT NOT NULL,
     message_ids TEXT NOT NULL,
     confirmed INTEGER NOT NULL,
     created_at INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX summaries_by_end ON summaries (to_at, n);`,
];

/** Empties every table but the checkpoint; numbers begin again, as in a new file. */
export const MEMORY_CLEAR = `DELETE FROM messages; DELETE FROM summaries;
  INSERT INTO messages_text (messages_text) VALUES ('delete-all');
  DELETE FROM sqlite_sequence;`;
