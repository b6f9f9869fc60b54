// SPDX-License-Identifier: Apache-2.0
// The schema of a workspace's knowledge.db: triples in three orders, entities by name, facts by time, and their words.

import type { Migrations } from './database.ts';
import { VIEW_STATE } from './view-state.ts';

/**
 * The kind stands behind the subject (or object) in every order, so that what is asked of one kind never walks over the
 * others: an entity with 100,000 facts shows its properties as quickly as one without. A table's row number ends every
 * index, which is the order of statements made at the same time.
 */
export const KNOWLEDGE_MIGRATIONS: Migrations = [
  `${VIEW_STATE}
   CREATE TABLE triples (
     n INTEGER PRIMARY KEY AUTOINCREMENT,
     workspace TEXT NOT NULL,
     subject TEXT NOT NULL,
     predicate TEXT NOT NULL,
     object TEXT NOT NULL,
     kind TEXT NOT NULL CHECK (kind IN ('entity', 'property', 'relationship', 'fact')),
     id TEXT NOT NULL,
     metadata TEXT NOT NULL,
     created INTEGER NOT NULL
   ) STRICT;
   CREATE UNIQUE INDEX triples_spo ON triples (workspace, subject, kind, predicate, object);
   CREATE INDEX triples_pos ON triples (workspace, kind, predicate, object, subject);
   CREATE INDEX triples_osp ON triples (workspace, object, kind, subject, predicate);
   CREATE UNIQUE INDEX statements_by_id ON triples (workspace, kind, id) WHERE kind IN ('relationship', 'fact');
   CREATE INDEX facts_by_time ON triples (workspace, created) WHERE kind = 'fact';
   CREATE INDEX facts_of_entity ON triples (workspace, subject, created) WHERE kind = 'fact';
   CREATE INDEX facts_of_predicate ON triples (workspace, predicate, created) WHERE kind = 'fact';
   CREATE INDEX facts_of_both ON triples (workspace, subject, predicate, created) WHERE kind = 'fact';
   CREATE TABLE entities (
     workspace TEXT NOT NULL,
     id TEXT NOT NULL,
     type TEXT NOT NULL,
     name TEXT NOT NULL,
     folded TEXT NOT NULL,
     user_id TEXT NOT NULL,
     created INTEGER NOT NULL,
     updated INTEGER NOT NULL,
     PRIMARY KEY (workspace, id)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX entities_by_name ON entities (workspace, folded, id);
   CREATE INDEX entities_by_type ON entities (workspace, type, folded, id);
   CREATE VIRTUAL TABLE knowledge_text USING fts5 (
     words, who, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
   );`,
];

/** Empties every table but the checkpoint; numbers begin again, as in a new file. */
export const KNOWLEDGE_CLEAR = `DELETE FROM triples; DELETE FROM entities;
  INSERT INTO knowledge_text (knowledge_text) VALUES ('delete-all');
  DELETE FROM sqlite_sequence;`;
