// SPDX-License-Identifier: Apache-2.0
// The schema of a workspace's memory.db: messages and summaries with their full text.

import type { Migrations } from './database.ts';
import { VIEW_STATE } from './view-state.ts';

/**
 * The full text is an index only, over words cut for it (`text-words.ts`), which is why the plainest tokenizer will do: what
 * is shown is taken from the message. `scope` holds what a search may be narrowed to as words of their own (`scope-words.ts`),
 * so that the index itself leaves out what is not asked for; what is usually looked for has a column to itself (`words`), for
 * even so a word that few rows have costs a look at each kind it may be. AUTOINCREMENT, so that a number is never used again and a
 * rebuild gives every message its own again. `words` has every word there ever was: what one can be completed to.
 */
export const MEMORY_MIGRATIONS: Migrations = [
  `${VIEW_STATE}
   CREATE TABLE sessions (
     id TEXT PRIMARY KEY,
     user_id TEXT NOT NULL,
     messages INTEGER NOT NULL,
     summarized INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE messages (
     n INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL,
     session_id TEXT NOT NULL,
     turn_id TEXT NOT NULL,
     user_id TEXT NOT NULL,
     role TEXT NOT NULL,
     origin TEXT NOT NULL,
     at INTEGER NOT NULL,
     summarized INTEGER NOT NULL,
     tool_calls TEXT,
     tool_call_id TEXT,
     tool_name TEXT,
     extras TEXT,
     content TEXT NOT NULL
   ) STRICT;
   CREATE INDEX messages_by_id ON messages (id);
   CREATE INDEX messages_by_time ON messages (at, n);
   CREATE INDEX messages_of_session ON messages (session_id, at);
   CREATE VIRTUAL TABLE messages_text USING fts5 (
     words, others, scope, content = '', contentless_delete = 1, tokenize = 'ascii'
   );
   CREATE TABLE summaries (
     n INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     session_id TEXT NOT NULL,
     user_id TEXT NOT NULL,
     from_at INTEGER NOT NULL,
     to_at INTEGER NOT NULL,
     confirmed INTEGER NOT NULL,
     created_at INTEGER NOT NULL,
     message_ids TEXT NOT NULL,
     content TEXT NOT NULL
   ) STRICT;
   CREATE INDEX summaries_by_end ON summaries (to_at, n);
   CREATE VIRTUAL TABLE summaries_text USING fts5 (
     words, others, scope, content = '', contentless_delete = 1, tokenize = 'ascii'
   );
   CREATE TABLE words (word TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
   CREATE TABLE removals (
     n INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL,
     removed INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX removals_by_id ON removals (id);`,
  // What a session has that no summary stands for, in its order; and whose words a summary is made of, as a JSON array.
  `CREATE INDEX messages_not_summarized ON messages (session_id, at, n) WHERE summarized = 0;
   ALTER TABLE summaries ADD COLUMN user_ids TEXT NOT NULL DEFAULT '[]';`,
];

/** Empties every table but the checkpoint; numbers begin again, as in a new file. */
export const MEMORY_CLEAR = `DELETE FROM sessions; DELETE FROM messages; DELETE FROM summaries; DELETE FROM words;
  DELETE FROM removals;
  INSERT INTO messages_text (messages_text) VALUES ('delete-all');
  INSERT INTO summaries_text (summaries_text) VALUES ('delete-all');
  DELETE FROM sqlite_sequence;`;
