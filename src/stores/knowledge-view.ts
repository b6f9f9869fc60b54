// SPDX-License-Identifier: Apache-2.0
// What each record changes in what a workspace knows, as triples. Pure: no SQL, no clock.

import type { ReadRow } from './streams.ts';
import type {
  PropertyValue,
  StoredEntity,
  StoredFact,
  StoredRelationship,
  WorkspaceRecord,
} from './workspace-records.ts';

/**
 * What a triple stands for. The same subject, predicate and object may be stated as more than one kind: a property that
 * is true no longer takes no fact with it.
 */
export type TripleKind = 'entity' | 'property' | 'relationship' | 'fact';

export interface Triple {
  readonly subject: string;
  readonly predicate: string;
  readonly object: string;
  readonly kind: TripleKind;
  /** The relationship's, the fact's, or the entity's. */
  readonly id: string;
  readonly metadata: Readonly<Record<string, PropertyValue>>;
  /** Epoch milliseconds. */
  readonly created: number;
}

/** An entity beside its triples: what it is found and ordered by. */
export interface EntityHead {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly user_id: string;
  readonly created: number;
  readonly updated: number;
}

/** Where the rows are. What is called changes them at once, in the batch's transaction. */
export interface KnowledgeRows {
  head(id: string): EntityHead | undefined;
  putHead(head: EntityHead): void;
  /** The triples that are the entity itself: its type, its name and its properties. */
  own(id: string): readonly Triple[];
  byId(kind: 'relationship' | 'fact', id: string): Triple | undefined;
  at(place: Pick<Triple, 'subject' | 'predicate' | 'object' | 'kind'>): Triple | undefined;
  /** In place of the one of the same kind, subject, predicate and object, if there is one. */
  put(triple: Triple): void;
  remove(triple: Triple): void;
  /** The head, and every triple in which it is the subject, or the end of a relationship. */
  forget(id: string): void;
  /** The facts that were taken from a session unasked. */
  ofSession(session_id: string): readonly Triple[];
  /** Whether anything at all is said of it, or of it and something else. */
  said(id: string): boolean;
  /** The entities and the facts that are somebody's. */
  ofUser(user_id: string): { readonly entities: readonly string[]; readonly facts: readonly Triple[] };
  /** The entity is put whole: it is to be found by its words from now on. */
  tell(head: EntityHead, own: readonly Triple[], renamed: boolean): void;
}

const TYPES: ReadonlySet<WorkspaceRecord['type']> = new Set<WorkspaceRecord['type']>([
  'entity_put',
  'entity_deleted',
  'relationship_put',
  'relationships_deleted',
  'facts_put',
  'facts_deleted',
  'session_forgotten',
  'user_erased',
]);

/** Whether a record changes what is known. */
export function changesKnowledge({ kind, record }: ReadRow): boolean {
  if (kind === 'session') return record.type === 'session_deleted';
  return kind === 'workspace' && TYPES.has(record.type);
}

/** Applies one row. Rows must come in order of seq, each once. */
export function applyToKnowledge(rows: KnowledgeRows, read: ReadRow): void {
  if (read.kind === 'session' && read.record.type === 'session_deleted')
    return forgetSession(rows, read.record.session_id);
  if (read.kind !== 'workspace') return;
  const { record, row } = read;
  switch (record.type) {
    case 'entity_put':
      if (record.only_new !== true || rows.head(record.entity.id) === undefined) putEntity(rows, record.entity, row.at);
      break;
    case 'entity_deleted':
      rows.forget(record.id);
      break;
    case 'relationship_put':
      putStatement(rows, relationshipTriple(record.relationship, row.at), record.relationship.created_at);
      break;
    case 'facts_put':
      for (const fact of record.facts) {
        const triple = factTriple(fact, row.at);
        if (record.only_new === true && rows.at(triple) !== undefined) continue;
        putStatement(rows, triple, fact.created_at);
      }
      break;
    case 'session_forgotten':
      forgetSession(rows, record.session_id);
      break;
    case 'relationships_deleted':
      removeStatements(rows, 'relationship', record.ids);
      break;
    case 'facts_deleted':
      removeStatements(rows, 'fact', record.ids);
      break;
    case 'user_erased':
      for (const whose of record.own ? [record.user_id, ''] : [record.user_id]) {
        const { entities, facts } = rows.ofUser(whose);
        for (const fact of facts) rows.remove(fact);
        for (const id of entities) rows.forget(id);
      }
      for (const id of record.session_ids) forgetSession(rows, id);
      break;
    default:
      break;
  }
}

function putEntity(rows: KnowledgeRows, entity: StoredEntity, at: number): void {
  const { id, type, name, user_id } = entity;
  const known = rows.head(id);
  const head = { id, type, name, user_id, created: entity.created_at ?? known?.created ?? at, updated: at };
  const own = ownTriples(entity, head.created);
  const places = new Set(own.map(placeOf));
  for (const triple of rows.own(id)) if (!places.has(placeOf(triple))) rows.remove(triple);
  for (const triple of own) rows.put(triple);
  rows.putHead(head);
  rows.tell(head, own, known?.name !== name);
}

function placeOf({ kind, predicate, object }: Triple): string {
  return JSON.stringify([kind, predicate, object]);
}

function ownTriples({ id, type, name, properties }: StoredEntity, created: number): readonly Triple[] {
  const entity = { subject: id, kind: 'entity', id, metadata: {}, created } as const;
  const property = { ...entity, kind: 'property' } as const;
  return [
    { ...entity, predicate: 'type', object: type },
    { ...entity, predicate: 'name', object: name },
    ...Object.entries(properties).map(([predicate, value]) => ({ ...property, predicate, ...objectOf(value) })),
  ];
}

/** A text stands for itself; anything else is its JSON, and says so. */
function objectOf(value: PropertyValue): Pick<Triple, 'object' | 'metadata'> {
  if (typeof value === 'string') return { object: value, metadata: {} };
  return { object: JSON.stringify(value), metadata: { json: true } };
}

/** The value of a property's triple. */
export function propertyOf({ object, metadata }: Pick<Triple, 'object' | 'metadata'>): PropertyValue {
  return metadata['json'] === true ? (JSON.parse(object) as PropertyValue) : object;
}

function relationshipTriple({ id, from_id, to_id, type, metadata }: StoredRelationship, at: number): Triple {
  return { subject: from_id, predicate: type, object: to_id, kind: 'relationship', id, metadata, created: at };
}

function factTriple(fact: StoredFact, at: number): Triple {
  const { id, entity_id, predicate, value, confidence, source, user_id, session_id } = fact;
  const metadata = { confidence, source, user_id, ...(session_id === undefined ? {} : { session_id }) };
  return { subject: entity_id, predicate, object: value, kind: 'fact', id, metadata, created: at };
}

/** What was stated under this id before is stated no longer; what states the same is taken over, with its time. */
function putStatement(rows: KnowledgeRows, triple: Triple, created: number | undefined): void {
  const { id, subject, predicate, object } = triple;
  const kind = triple.kind === 'fact' ? 'fact' : 'relationship';
  const before = rows.byId(kind, id);
  const same = rows.at({ kind, subject, predicate, object });
  if (before !== undefined && before.id !== same?.id) rows.remove(before);
  rows.put({ ...triple, created: created ?? same?.created ?? before?.created ?? triple.created });
}

/** The type of a thing that is known only because something was stated of it. */
export const SUBJECT = 'subject';

/** Facts taken from the session go, and so do things of which nothing is left but that they were stated something of. */
function forgetSession(rows: KnowledgeRows, session_id: string): void {
  const facts = rows.ofSession(session_id);
  for (const fact of facts) rows.remove(fact);
  for (const id of new Set(facts.map(({ subject }) => subject)))
    if (rows.head(id)?.type === SUBJECT && !rows.said(id)) rows.forget(id);
}

function removeStatements(rows: KnowledgeRows, kind: 'relationship' | 'fact', ids: readonly string[]): void {
  for (const id of ids) {
    const triple = rows.byId(kind, id);
    if (triple !== undefined) rows.remove(triple);
  }
}
