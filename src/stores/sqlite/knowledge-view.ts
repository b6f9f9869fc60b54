// SPDX-License-Identifier: Apache-2.0
// The writer of one workspace's knowledge.db.

import { foldedText } from '../folded-text.ts';
import {
  applyToKnowledge,
  type EntityHead,
  type KnowledgeRows,
  type Triple,
  type TripleKind,
} from '../knowledge-view.ts';
import { ownerWord, wordsOf } from '../knowledge-words.ts';
import type { ReadRow } from '../streams.ts';
import type { SqliteDatabase } from './database.ts';
import type { JournalRows } from './journal-source.ts';
import { KNOWLEDGE_CLEAR, KNOWLEDGE_MIGRATIONS } from './knowledge-schema.ts';
import { ViewFile } from './view-file.ts';
import type { WipePlace, WipeSteps } from './wipe.ts';
import type { WorkspaceView } from './workspace-files.ts';

/** Facts that are found under their entity's new name once it is renamed; older ones stay found under the one before. */
const RENAMED_MOST = 1_000;

/** A triple as a row. */
export interface TripleRow {
  readonly n: number;
  readonly subject: string;
  readonly predicate: string;
  readonly object: string;
  readonly kind: TripleKind;
  readonly id: string;
  readonly metadata: string;
  readonly created: number;
}

export function tripleOf({ metadata, n: _, ...row }: TripleRow): Triple {
  return { ...row, metadata: JSON.parse(metadata) as Triple['metadata'] };
}

export class KnowledgeView implements WorkspaceView<ReadRow>, KnowledgeRows {
  readonly #file: ViewFile;
  readonly #sql: ReturnType<typeof prepare>;
  /** Whose rows are applied. */
  #workspace = '';

  constructor(file: string) {
    this.#file = new ViewFile(file, { migrations: KNOWLEDGE_MIGRATIONS, clear: KNOWLEDGE_CLEAR });
    this.#sql = prepare(this.#file.db);
  }

  get upto(): number {
    return this.#file.upto;
  }

  belongsTo(source: JournalRows): boolean {
    return this.#file.belongsTo(source);
  }

  apply(journal: string, batch: readonly ReadRow[]): void {
    this.#file.apply(journal, batch, (fresh) => {
      for (const read of fresh) {
        this.#workspace = read.row.workspace_id;
        applyToKnowledge(this, read);
      }
    });
  }

  clear(): void {
    this.#file.clear();
  }

  wipe(place: WipePlace): WipeSteps {
    return this.#file.wipe(place, ['knowledge_text']);
  }

  close(): void {
    this.#file.close();
  }

  head(id: string): EntityHead | undefined {
    return this.#sql.head.get(this.#workspace, id);
  }

  putHead({ id, type, name, user_id, created, updated }: EntityHead): void {
    this.#sql.putHead.run(this.#workspace, id, type, name, foldedText(name), user_id, created, updated);
  }

  own(id: string): readonly Triple[] {
    return this.#sql.own.all(this.#workspace, id, this.#workspace, id).map(tripleOf);
  }

  byId(kind: 'relationship' | 'fact', id: string): Triple | undefined {
    const row = this.#sql.byId.get(this.#workspace, kind, id);
    return row === undefined ? undefined : tripleOf(row);
  }

  at(place: Pick<Triple, 'subject' | 'predicate' | 'object' | 'kind'>): Triple | undefined {
    const row = this.#rowAt(place);
    return row === undefined ? undefined : tripleOf(row);
  }

  put(triple: Triple): void {
    const { subject, kind, predicate, object, id, metadata, created } = triple;
    this.#sql.put.run(this.#workspace, subject, kind, predicate, object, id, JSON.stringify(metadata), created);
    if (kind === 'fact') this.#index(triple, this.head(subject)?.name ?? '');
  }

  remove(triple: Triple): void {
    const row = this.#rowAt(triple);
    if (row === undefined) return;
    this.#sql.unindex.run(row.n);
    this.#sql.remove.run(row.n);
  }

  forget(id: string): void {
    this.#sql.unindexOf.run(this.#workspace, id);
    this.#sql.removeOf.run(this.#workspace, id);
    this.#sql.removeTo.run(this.#workspace, id);
    this.#sql.removeHead.run(this.#workspace, id);
  }

  ofUser(user_id: string): { readonly entities: readonly string[]; readonly facts: readonly Triple[] } {
    const facts = this.#sql.factsOfUser.all(this.#workspace, user_id).map(tripleOf);
    return { facts, entities: this.#sql.entitiesOfUser.all(this.#workspace, user_id) };
  }

  ofSession(session_id: string): readonly Triple[] {
    return this.#sql.factsOfSession.all(this.#workspace, session_id).map(tripleOf);
  }

  said(id: string): boolean {
    return this.#sql.said.get(this.#workspace, id, this.#workspace, id) !== undefined;
  }

  tell({ id, type, name, user_id }: EntityHead, own: readonly Triple[], renamed: boolean): void {
    const row = this.#rowAt({ subject: id, kind: 'entity', predicate: 'name', object: name });
    const properties = own.filter(({ kind }) => kind === 'property');
    const said = properties.flatMap(({ predicate, object }) => [predicate, object]);
    if (row !== undefined) this.#write(row.n, wordsOf(name, type, ...said), user_id);
    if (!renamed) return;
    for (const fact of this.#sql.newestFacts.all(this.#workspace, id, RENAMED_MOST)) this.#index(tripleOf(fact), name);
  }

  #rowAt({
    subject,
    kind,
    predicate,
    object,
  }: Pick<Triple, 'subject' | 'predicate' | 'object' | 'kind'>): TripleRow | undefined {
    return this.#sql.at.get(this.#workspace, subject, kind, predicate, object);
  }

  #index(fact: Triple, name: string): void {
    const row = this.#rowAt(fact);
    if (row === undefined) return;
    const { user_id } = fact.metadata;
    this.#write(row.n, wordsOf(name, fact.predicate, fact.object), typeof user_id === 'string' ? user_id : '');
  }

  #write(n: number, words: string, user_id: string): void {
    this.#sql.unindex.run(n);
    this.#sql.index.run(n, words, ownerWord(user_id));
  }
}

/** The columns of a {@link TripleRow}. */
export const TRIPLE = 'n, subject, predicate, object, kind, id, metadata, created';

type Put = [string, string, string, string, string, string, string, number];

function prepare(db: SqliteDatabase) {
  return {
    head: db.prepare<[string, string], EntityHead>(
      'SELECT id, type, name, user_id, created, updated FROM entities WHERE workspace = ? AND id = ?',
    ),
    putHead: db.prepare<[string, string, string, string, string, string, number, number]>(
      `INSERT INTO entities (workspace, id, type, name, folded, user_id, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (workspace, id) DO UPDATE SET type = excluded.type, name = excluded.name, folded = excluded.folded,
         user_id = excluded.user_id, created = excluded.created, updated = excluded.updated`,
    ),
    removeHead: db.prepare<[string, string]>('DELETE FROM entities WHERE workspace = ? AND id = ?'),
    own: db.prepare<[string, string, string, string], TripleRow>(
      `SELECT ${TRIPLE} FROM triples WHERE workspace = ? AND subject = ? AND kind = 'entity'
       UNION ALL SELECT ${TRIPLE} FROM triples WHERE workspace = ? AND subject = ? AND kind = 'property'`,
    ),
    byId: db.prepare<[string, string, string], TripleRow>(
      `SELECT ${TRIPLE} FROM triples
       WHERE workspace = ? AND kind = ? AND id = ? AND kind IN ('relationship', 'fact')`,
    ),
    at: db.prepare<[string, string, string, string, string], TripleRow>(
      `SELECT ${TRIPLE} FROM triples
       WHERE workspace = ? AND subject = ? AND kind = ? AND predicate = ? AND object = ?`,
    ),
    put: db.prepare<Put>(
      `INSERT INTO triples (workspace, subject, kind, predicate, object, id, metadata, created)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (workspace, subject, kind, predicate, object)
       DO UPDATE SET id = excluded.id, metadata = excluded.metadata, created = excluded.created`,
    ),
    remove: db.prepare<[number]>('DELETE FROM triples WHERE n = ?'),
    unindexOf: db.prepare<[string, string]>(
      `DELETE FROM knowledge_text WHERE rowid IN (SELECT n FROM triples WHERE workspace = ? AND subject = ?)`,
    ),
    removeOf: db.prepare<[string, string]>('DELETE FROM triples WHERE workspace = ? AND subject = ?'),
    removeTo: db.prepare<[string, string]>(
      `DELETE FROM triples WHERE workspace = ? AND object = ? AND kind = 'relationship'`,
    ),
    factsOfUser: db.prepare<[string, string], TripleRow>(
      `SELECT ${TRIPLE} FROM triples WHERE workspace = ? AND kind = 'fact' AND coalesce(metadata ->> '$.user_id', '') = ?`,
    ),
    factsOfSession: db.prepare<[string, string], TripleRow>(
      `SELECT ${TRIPLE} FROM triples WHERE workspace = ? AND kind = 'fact' AND metadata ->> '$.session_id' = ?`,
    ),
    said: db.prepare<[string, string, string, string], { n: number }>(
      `SELECT n FROM triples WHERE workspace = ? AND subject = ? AND kind <> 'entity'
       UNION ALL SELECT n FROM triples WHERE workspace = ? AND object = ? AND kind = 'relationship' LIMIT 1`,
    ),
    entitiesOfUser: db
      .prepare<[string, string], string>('SELECT id FROM entities WHERE workspace = ? AND user_id = ?')
      .pluck(),
    newestFacts: db.prepare<[string, string, number], TripleRow>(
      `SELECT ${TRIPLE} FROM triples WHERE workspace = ? AND subject = ? AND kind = 'fact'
       ORDER BY created DESC, n DESC LIMIT ?`,
    ),
    index: db.prepare<[number, string, string]>('INSERT INTO knowledge_text (rowid, words, who) VALUES (?, ?, ?)'),
    unindex: db.prepare<[number]>('DELETE FROM knowledge_text WHERE rowid = ?'),
  };
}
