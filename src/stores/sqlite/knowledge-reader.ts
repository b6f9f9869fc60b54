// SPDX-License-Identifier: Apache-2.0
// One workspace's knowledge.db as it is read. Every question is bounded in what it looks at and in what it gives.

import { foldedText } from '../folded-text.ts';
import type {
  EntityRow,
  FactRow,
  GraphRow,
  KnowledgeQueries,
  RecalledRow,
  RelationshipRow,
} from '../knowledge-queries.ts';
import { type EntityHead, propertyOf, type Triple } from '../knowledge-view.ts';
import { wordsQuery } from '../knowledge-words.ts';
import type { Page } from '../page.ts';
import type { KnownKind } from '../workspace-writer.ts';
import { pageLimit, pageOfFitting, placeOf } from './cursor.ts';
import { openReadonly, type SqliteDatabase } from './database.ts';
import { KnowledgeGraph } from './knowledge-graph.ts';
import { KNOWLEDGE_MIGRATIONS } from './knowledge-schema.ts';
import { TRIPLE, type TripleRow, tripleOf } from './knowledge-view.ts';
import { NOWHERE, preparePlace, type ViewPlace } from './view-state.ts';

type Body<Q extends keyof KnowledgeQueries> = Omit<KnowledgeQueries[Q]['body'], 'workspace_id'>;

/** UTF-16 units of entities in a part of the graph. */
const GRAPH_LENGTH = 8 * 1024 * 1024;

/** Rows looked at for a page of those that fit. */
const LOOKED = 1_000;

/** Opens a workspace's file for reading; undefined while it is not there. */
export function openKnowledgeReader(workspace: string, file: string): KnowledgeReader | undefined {
  const db = openReadonly(file, KNOWLEDGE_MIGRATIONS.length);
  return db === undefined ? undefined : new KnowledgeReader(workspace, db);
}

export class KnowledgeReader {
  readonly #workspace: string;
  readonly #db: SqliteDatabase;
  readonly #sql: ReturnType<typeof prepare>;
  readonly #graph: KnowledgeGraph;

  constructor(workspace: string, db: SqliteDatabase) {
    this.#workspace = workspace;
    this.#db = db;
    this.#sql = prepare(db);
    this.#graph = new KnowledgeGraph(db);
  }

  /** Which journal it is made of, and up to which row. */
  state(): ViewPlace {
    return this.#sql.state.get() ?? NOWHERE;
  }

  has(what: Exclude<KnownKind, 'message' | 'summary'>, id: string): boolean {
    if (what === 'entity') return this.#sql.entity.get(this.#workspace, id) !== undefined;
    return this.#sql.statement.get(this.#workspace, what, id) !== undefined;
  }

  /** Undefined when there is none, or none this person is shown. */
  entity(id: string, user_id?: string): EntityRow | undefined {
    const head = this.#sql.entity.get(this.#workspace, id);
    return head === undefined || !sees(user_id, head.user_id) ? undefined : this.#entityRow(head);
  }

  entities({ type, name_prefix = '', user_id, page }: Body<'knowledge.entities'>): Page<EntityRow> {
    const prefix = foldedText(name_prefix);
    const list = JSON.stringify(['entities', type ?? null, prefix]);
    const from = placeOf<[string, string]>(list, page, [prefix, '']);
    const found =
      type === undefined
        ? this.#sql.byName.iterate(this.#workspace, ...from, LOOKED + 1)
        : this.#sql.byType.iterate(this.#workspace, type, ...from, LOOKED + 1);
    return pageOfFitting(
      list,
      pageLimit(page.limit),
      beginning(found, prefix),
      LOOKED,
      (row) => sees(user_id, row.user_id),
      (row) => [row.folded, row.id],
      (row) => this.#entityRow(row),
    );
  }

  relationships({ entity_id, type, direction, limit }: Body<'knowledge.relationships'>): readonly RelationshipRow[] {
    const most = pageLimit(limit);
    const found: TripleRow[] = [];
    for (const way of ['outgoing', 'incoming'] as const) {
      if (direction !== 'both' && direction !== way) continue;
      const sql = this.#sql[way];
      const rows =
        type === undefined
          ? sql.all.iterate(this.#workspace, entity_id, most)
          : sql.ofType.iterate(this.#workspace, entity_id, type, most);
      for (const row of rows) {
        // One that leads back to where it comes from was among the outgoing.
        if (direction === 'both' && way === 'incoming' && row.subject === row.object) continue;
        found.push(row);
      }
    }
    return found.slice(0, most).map(relationshipRow);
  }

  facts({ entity_id, predicate, user_id, page }: Body<'knowledge.facts'>): Page<FactRow> {
    const list = JSON.stringify(['facts', entity_id ?? null, predicate ?? null]);
    const place = [...placeOf<[number, number]>(list, page, [Number.MAX_SAFE_INTEGER, 0]), LOOKED + 1] as const;
    const { facts } = this.#sql;
    const w = this.#workspace;
    let rows: Iterable<TripleRow>;
    if (entity_id === undefined) {
      rows =
        predicate === undefined ? facts.all.iterate(w, ...place) : facts.ofPredicate.iterate(w, predicate, ...place);
    } else {
      rows =
        predicate === undefined
          ? facts.ofEntity.iterate(w, entity_id, ...place)
          : facts.ofBoth.iterate(w, entity_id, predicate, ...place);
    }
    return pageOfFitting(
      list,
      pageLimit(page.limit),
      rows,
      LOOKED,
      (row) => user_id === undefined || sees(user_id, String(tripleOf(row).metadata['user_id'])),
      (row) => [row.created, row.n],
      (row) => this.#factRow(row),
    );
  }

  /** Undefined when the start is unknown. */
  graph({ start_id, depth, types, direction, user_id }: Body<'knowledge.graph'>): GraphRow | undefined {
    if (this.entity(start_id, user_id) === undefined) return undefined;
    const walk = { workspace: this.#workspace, start: start_id, depth, types, direction, user_id };
    const walked = this.#graph.walk(walk);
    const entities: EntityRow[] = [];
    let length = 0;
    for (const id of walked.ids) {
      const entity = this.entity(id);
      if (entity === undefined) continue;
      length += JSON.stringify(entity).length;
      if (length > GRAPH_LENGTH) break;
      entities.push(entity);
    }
    if (entities.length === walked.ids.length) {
      return { entities, relationships: walked.relationships.map(relationshipRow), truncated: walked.truncated };
    }
    const shown = new Set(entities.map(({ id }) => id));
    const between = walked.relationships.filter(({ subject, object }) => shown.has(subject) && shown.has(object));
    return { entities, relationships: between.map(relationshipRow), truncated: true };
  }

  recall({ user_id, words, limit }: Body<'knowledge.recall'>): readonly RecalledRow[] {
    const query = wordsQuery(words, user_id);
    if (query === undefined) return [];
    const found: RecalledRow[] = [];
    for (const triple of this.#sql.recall.all(query, this.#workspace, pageLimit(limit))) {
      if (triple.kind === 'fact') {
        found.push({ kind: 'fact', fact: this.#factRow(triple) });
        continue;
      }
      const entity = this.entity(triple.subject);
      if (entity !== undefined) found.push({ kind: 'entity', entity });
    }
    return found;
  }

  close(): void {
    this.#db.close();
  }

  #factRow(row: TripleRow): FactRow {
    const { id, subject, predicate, object, metadata, created } = tripleOf(row);
    const { confidence, source, user_id } = metadata;
    return {
      id,
      entity_id: subject,
      entity_name: this.#sql.entity.get(this.#workspace, subject)?.name ?? null,
      predicate,
      value: object,
      confidence: Number(confidence),
      source: String(source),
      user_id: String(user_id),
      created_at: time(created),
    };
  }

  #entityRow({ id, type, name, user_id, created, updated }: EntityHead): EntityRow {
    const properties = this.#sql.properties.all(this.#workspace, id).map(tripleOf);
    return {
      id,
      type,
      name,
      properties: Object.fromEntries(properties.map((triple) => [triple.predicate, propertyOf(triple)])),
      user_id,
      created_at: time(created),
      updated_at: time(updated),
    };
  }
}

function sees(user_id: string | undefined, owner: string): boolean {
  return user_id === undefined || owner === '' || owner === user_id;
}

/** Rows in the order of their folded names, as long as these begin so. */
function* beginning(rows: Iterable<FoundEntity>, prefix: string): Iterable<FoundEntity> {
  for (const row of rows) {
    if (!row.folded.startsWith(prefix)) return;
    yield row;
  }
}

interface FoundEntity extends EntityHead {
  readonly folded: string;
}

function time(at: number): string {
  return new Date(at).toISOString();
}

function relationshipRow(row: TripleRow): RelationshipRow {
  const { id, subject, predicate, object, metadata, created }: Triple = tripleOf(row);
  return { id, from_id: subject, to_id: object, type: predicate, metadata, created_at: time(created) };
}

const HEAD = 'id, type, name, folded, user_id, created, updated';

function prepare(db: SqliteDatabase) {
  const newest = <P extends unknown[]>(where: string) =>
    db.prepare<[...P, number, number, number], TripleRow>(
      `SELECT ${TRIPLE} FROM triples WHERE workspace = ? ${where} AND kind = 'fact' AND (created, n) < (?, ?)
       ORDER BY created DESC, n DESC LIMIT ?`,
    );
  return {
    state: preparePlace(db),
    entity: db.prepare<[string, string], FoundEntity>(`SELECT ${HEAD} FROM entities WHERE workspace = ? AND id = ?`),
    statement: db
      .prepare<[string, string, string], number>(
        `SELECT n FROM triples WHERE workspace = ? AND kind = ? AND id = ? AND kind IN ('relationship', 'fact')`,
      )
      .pluck(),
    properties: db.prepare<[string, string], TripleRow>(
      `SELECT ${TRIPLE} FROM triples WHERE workspace = ? AND subject = ? AND kind = 'property' ORDER BY predicate`,
    ),
    byName: db.prepare<[string, string, string, number], FoundEntity>(
      `SELECT ${HEAD} FROM entities WHERE workspace = ? AND (folded, id) > (?, ?) ORDER BY folded, id LIMIT ?`,
    ),
    byType: db.prepare<[string, string, string, string, number], FoundEntity>(
      `SELECT ${HEAD} FROM entities WHERE workspace = ? AND type = ? AND (folded, id) > (?, ?)
       ORDER BY folded, id LIMIT ?`,
    ),
    outgoing: {
      all: db.prepare<[string, string, number], TripleRow>(
        `SELECT ${TRIPLE} FROM triples WHERE workspace = ? AND subject = ? AND kind = 'relationship'
         ORDER BY predicate, object LIMIT ?`,
      ),
      ofType: db.prepare<[string, string, string, number], TripleRow>(
        `SELECT ${TRIPLE} FROM triples WHERE workspace = ? AND subject = ? AND kind = 'relationship' AND predicate = ?
         ORDER BY object LIMIT ?`,
      ),
    },
    incoming: {
      all: db.prepare<[string, string, number], TripleRow>(
        `SELECT ${TRIPLE} FROM triples WHERE workspace = ? AND object = ? AND kind = 'relationship'
         ORDER BY subject, predicate LIMIT ?`,
      ),
      ofType: db.prepare<[string, string, string, number], TripleRow>(
        `SELECT ${TRIPLE} FROM triples WHERE workspace = ? AND object = ? AND kind = 'relationship' AND predicate = ?
         ORDER BY subject LIMIT ?`,
      ),
    },
    facts: {
      all: newest<[string]>(''),
      ofEntity: newest<[string, string]>('AND subject = ?'),
      ofPredicate: newest<[string, string]>('AND predicate = ?'),
      ofBoth: newest<[string, string, string]>('AND subject = ? AND predicate = ?'),
    },
    recall: db.prepare<[string, string, number], TripleRow>(
      `SELECT t.n, subject, predicate, object, kind, id, metadata, created
       FROM knowledge_text CROSS JOIN triples t ON t.n = knowledge_text.rowid
       WHERE knowledge_text MATCH ? AND t.workspace = ? ORDER BY knowledge_text.rowid DESC LIMIT ?`,
    ),
  };
}
