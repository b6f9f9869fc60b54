// SPDX-License-Identifier: Apache-2.0
// The knowledge of workspaces over their writer and the read store: what is put is checked here, once.

import { failure, SigilError } from '../errors.ts';
import { type DateTime, dateTime } from './date-time.ts';
import type { EntityRow, FactRow, RelationshipRow } from './knowledge-queries.ts';
import {
  type Entity,
  type EntityInput,
  type Fact,
  type FactInput,
  GRAPH_DEPTH,
  KNOWLEDGE_MOST,
  type KnowledgeStore,
  type Relationship,
  type RelationshipInput,
} from './knowledge-store.ts';
import type { ReadStore } from './session-store.ts';
import type {
  PropertyValue,
  StoredEntity,
  StoredFact,
  StoredRelationship,
  WorkspaceRecord,
} from './workspace-records.ts';
import type { WorkspaceCondition, WorkspaceWriter } from './workspace-writer.ts';

export interface KnowledgeParts {
  readonly writer: WorkspaceWriter;
  readonly read: ReadStore;
}

/** Facts of one record: a batch of the view may end between two. */
const FACTS_EACH = 200;
const LIMIT = { usual: 50, most: 200 } as const;

export function createKnowledgeStore({ writer, read }: KnowledgeParts): KnowledgeStore {
  let closed = false;
  const write = async (
    workspace_id: string,
    records: readonly WorkspaceRecord[],
    condition: readonly WorkspaceCondition[] = [],
  ): Promise<void> => {
    open();
    await writer.write({ workspace_id, records, condition });
  };
  const open = (): void => {
    if (closed) throw new SigilError(failure('draining', 'the store is closed'));
  };
  const known = (what: WorkspaceCondition['what'], ...ids: readonly string[]): readonly WorkspaceCondition[] =>
    [...new Set(ids)].map((id) => ({ what, id, known: true }));
  return {
    putEntity: async (workspace, entity) => write(workspace, [{ type: 'entity_put', entity: storedEntity(entity) }]),
    getEntity: async (workspace_id, id) => {
      open();
      return entityOf(workspace_id, await read.read('knowledge.entity', { workspace_id, id: id.toWellFormed() }));
    },
    findEntities: async (workspace_id, { type, namePrefix, limit } = {}) => {
      open();
      const body = {
        workspace_id,
        type: type?.toWellFormed(),
        name_prefix: namePrefix?.toWellFormed(),
        page: { limit: limitOf(limit) },
      };
      const { items } = await read.read('knowledge.entities', body);
      return items.map((row) => entityOf(workspace_id, row));
    },
    deleteEntity: async (workspace, id) =>
      write(workspace, [{ type: 'entity_deleted', id: id.toWellFormed() }], known('entity', id.toWellFormed())),

    putRelationship: async (workspace, input) => {
      const relationship = storedRelationship(input);
      const { from_id, to_id } = relationship;
      await write(workspace, [{ type: 'relationship_put', relationship }], known('entity', from_id, to_id));
    },
    relationships: async (workspace_id, entityId, { type, direction = 'both', limit } = {}) => {
      open();
      const { items } = await read.read('knowledge.relationships', {
        workspace_id,
        entity_id: entityId.toWellFormed(),
        type: type?.toWellFormed(),
        direction,
        limit: limitOf(limit),
      });
      return items.map(relationshipOf);
    },
    deleteRelationship: async (workspace, id) => {
      const ids = [id.toWellFormed()];
      await write(workspace, [{ type: 'relationships_deleted', ids }], known('relationship', ...ids));
    },

    putFact: async (workspace, fact) => write(workspace, factRecords([fact])),
    putFacts: async (workspace, facts, about = []) => {
      open();
      const names = new Map(about.map(({ id, name }) => [id, name]));
      const records = [...aboutRecords(about), ...factRecords(facts, names)];
      const length = records.reduce((sum, record) => sum + JSON.stringify(record).length, 0);
      const { together } = KNOWLEDGE_MOST;
      if (length > together) refuse(`what is put together has at most ${together} characters, this has ${length}`);
      if (records.length > 0) await write(workspace, records);
    },
    findFacts: async (workspace_id, { entityId, predicate, limit } = {}) => {
      open();
      const { items } = await read.read('knowledge.facts', {
        workspace_id,
        entity_id: entityId?.toWellFormed(),
        predicate: predicate?.toWellFormed(),
        page: { limit: limitOf(limit) },
      });
      return items.map((row) => factOf(workspace_id, row));
    },
    deleteFact: async (workspace, id) => {
      const ids = [id.toWellFormed()];
      await write(workspace, [{ type: 'facts_deleted', ids }], known('fact', ...ids));
    },

    traverse: async (workspace_id, startId, depth, filter = {}) => {
      open();
      const { relationshipTypes = [], maxDepth = GRAPH_DEPTH, direction = 'outgoing' } = filter;
      if (relationshipTypes.length > TYPES_MOST) refuse(`at most ${TYPES_MOST} types can be followed`);
      const graph = await read.read('knowledge.graph', {
        workspace_id,
        start_id: startId.toWellFormed(),
        depth: Math.min(stepsOf('depth', depth), stepsOf('maxDepth', maxDepth), GRAPH_DEPTH),
        types: relationshipTypes.map((type) => type.toWellFormed()),
        direction,
      });
      return {
        entities: graph.entities.map((row) => entityOf(workspace_id, row)),
        relationships: graph.relationships.map(relationshipOf),
        truncated: graph.truncated,
      };
    },
    close: async () => {
      closed = true;
    },
  };
}

const TYPES_MOST = 100;

function refuse(says: string): never {
  throw new SigilError(failure('validation_failed', says));
}

function limitOf(limit: number = LIMIT.usual): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= LIMIT.most) return limit;
  return refuse(`limit is a whole number from 1 to ${LIMIT.most}, not ${limit}`);
}

function stepsOf(what: string, steps: number): number {
  return Number.isInteger(steps) && steps >= 0 ? steps : refuse(`${what} is a whole number from 0, not ${steps}`);
}

/** A text as it is kept. An empty one may be a value, never what something is called. */
function textOf(what: string, text: string, most: number, least = 1): string {
  if (text.length < least) refuse(`${what} may not be empty`);
  if (text.length > most) refuse(`${what} has at most ${most} characters, this one has ${text.length}`);
  return text.toWellFormed();
}

function structureOf(
  what: string,
  value: Readonly<Record<string, PropertyValue>>,
  most: number,
): Readonly<Record<string, PropertyValue>> {
  const json = JSON.stringify(value, (key, part: unknown) =>
    typeof part === 'number' && !Number.isFinite(part) ? refuse(`${what}: ${key} is no finite number`) : part,
  );
  if (json.length > most) refuse(`${what} has at most ${most} characters as JSON, this one has ${json.length}`);
  const kept = JSON.parse(json, (_, part: unknown) =>
    typeof part === 'string' ? part.toWellFormed() : part,
  ) as Record<string, PropertyValue>;
  return Object.fromEntries(
    Object.entries(kept).map(([key, part]) => [textOf(`a name of ${what}`, key, KNOWLEDGE_MOST.word), part]),
  );
}

function timeOf(createdAt: DateTime | undefined): { readonly created_at?: number } {
  if (createdAt === undefined) return {};
  const created_at = createdAt.getTime();
  return Number.isNaN(created_at) ? refuse('createdAt is no valid date') : { created_at };
}

function storedEntity({ id, type, name, properties = {}, userId = '', createdAt }: EntityInput): StoredEntity {
  return {
    id: textOf('an id', id, KNOWLEDGE_MOST.id),
    type: textOf('a type', type, KNOWLEDGE_MOST.word),
    name: textOf('a name', name, KNOWLEDGE_MOST.name),
    properties: structureOf('properties', properties, KNOWLEDGE_MOST.properties),
    user_id: textOf('userId', userId, KNOWLEDGE_MOST.id, 0),
    ...timeOf(createdAt),
  };
}

function storedRelationship(input: RelationshipInput): StoredRelationship {
  const { id, fromId, toId, type, metadata = {}, createdAt } = input;
  return {
    id: textOf('an id', id, KNOWLEDGE_MOST.id),
    from_id: textOf('fromId', fromId, KNOWLEDGE_MOST.id),
    to_id: textOf('toId', toId, KNOWLEDGE_MOST.id),
    type: textOf('a type', type, KNOWLEDGE_MOST.word),
    metadata: structureOf('metadata', metadata, KNOWLEDGE_MOST.metadata),
    ...timeOf(createdAt),
  };
}

/** A fact as it is kept. @throws SigilError `validation_failed`. */
function storedFact(input: FactInput): StoredFact {
  const { id, entityId, predicate, value, confidence = 1, source = '', userId = '', createdAt } = input;
  if (!(confidence >= 0 && confidence <= 1)) refuse(`confidence is a number from 0 to 1, not ${confidence}`);
  return {
    id: textOf('an id', id, KNOWLEDGE_MOST.id),
    entity_id: textOf('entityId', entityId, KNOWLEDGE_MOST.id),
    predicate: textOf('a predicate', predicate, KNOWLEDGE_MOST.word),
    value: textOf('a value', value, KNOWLEDGE_MOST.value, 0),
    confidence,
    source: textOf('a source', source, KNOWLEDGE_MOST.word, 0),
    user_id: textOf('userId', userId, KNOWLEDGE_MOST.id, 0),
    ...timeOf(createdAt),
  };
}

function aboutRecords(about: readonly EntityInput[]): readonly WorkspaceRecord[] {
  const { facts: most } = KNOWLEDGE_MOST;
  if (about.length > most) refuse(`at most ${most} entities go together, these are ${about.length}`);
  return about.map((entity) => ({ type: 'entity_put', entity: storedEntity(entity), only_new: true }));
}

function factRecords(
  facts: readonly FactInput[],
  names: ReadonlyMap<string, string> = new Map(),
): readonly WorkspaceRecord[] {
  const { facts: most } = KNOWLEDGE_MOST;
  if (facts.length > most) refuse(`at most ${most} facts go together, these are ${facts.length}`);
  const stored = facts.map((fact) => {
    const entity_name = names.get(fact.entityId)?.toWellFormed();
    return { ...storedFact(fact), ...(entity_name === undefined ? {} : { entity_name }) };
  });
  return Array.from({ length: Math.ceil(stored.length / FACTS_EACH) }, (_, part) => ({
    type: 'facts_put',
    facts: stored.slice(part * FACTS_EACH, (part + 1) * FACTS_EACH),
  }));
}

function entityOf(workspaceId: string, row: EntityRow): Entity {
  const { id, type, name, properties, user_id, created_at, updated_at } = row;
  const times = { createdAt: dateTime(created_at), updatedAt: dateTime(updated_at) };
  return { id, workspaceId, type, name, properties, userId: user_id, ...times };
}

function relationshipOf({ id, from_id, to_id, type, metadata, created_at }: RelationshipRow): Relationship {
  return { id, fromId: from_id, toId: to_id, type, metadata, createdAt: dateTime(created_at) };
}

function factOf(workspaceId: string, row: FactRow): Fact {
  const { id, entity_id, predicate, value, confidence, source, user_id, created_at } = row;
  return {
    id,
    workspaceId,
    entityId: entity_id,
    predicate,
    value,
    confidence,
    source,
    userId: user_id,
    createdAt: dateTime(created_at),
  };
}
