// SPDX-License-Identifier: Apache-2.0
// Tier 3 of memory: what a workspace knows, as entities, relationships between them and facts about them.

import type { DateTime } from './date-time.ts';
import type { Direction } from './knowledge-queries.ts';
import type { PropertyValue } from './workspace-records.ts';

export interface Entity {
  readonly id: string;
  readonly workspaceId: string;
  /** Such as `person`, `place`. */
  readonly type: string;
  readonly name: string;
  readonly properties: Readonly<Record<string, PropertyValue>>;
  /** Whose it is, as `my dog` is somebody's; empty: the whole workspace's. */
  readonly userId: string;
  readonly createdAt: DateTime;
  readonly updatedAt: DateTime;
}

export interface Relationship {
  readonly id: string;
  readonly fromId: string;
  readonly toId: string;
  readonly type: string;
  readonly metadata: Readonly<Record<string, PropertyValue>>;
  readonly createdAt: DateTime;
}

export interface Fact {
  readonly id: string;
  readonly workspaceId: string;
  readonly entityId: string;
  readonly predicate: string;
  readonly value: string;
  /** 0 to 1. */
  readonly confidence: number;
  /** Where it comes from: a turn's or message's id, `import`. */
  readonly source: string;
  /** Who said it, if it is theirs; empty: the whole workspace's. */
  readonly userId: string;
  readonly createdAt: DateTime;
}

export interface Graph {
  /** Nearest first; the first is where it began. */
  readonly entities: readonly Entity[];
  /** All there are between these entities, of the types that were followed. */
  readonly relationships: readonly Relationship[];
  /** A bound was reached: there is more than this. */
  readonly truncated: boolean;
}

/** An entity to put. Times that are not given: when it was first put. */
export interface EntityInput extends Pick<Entity, 'id' | 'type' | 'name'> {
  readonly properties?: Entity['properties'];
  readonly userId?: string;
  readonly createdAt?: DateTime;
}

export interface RelationshipInput extends Pick<Relationship, 'id' | 'fromId' | 'toId' | 'type'> {
  readonly metadata?: Relationship['metadata'];
  readonly createdAt?: DateTime;
}

export interface FactInput extends Pick<Fact, 'id' | 'entityId' | 'predicate' | 'value'> {
  /** 1 when not given. */
  readonly confidence?: number;
  readonly source?: string;
  readonly userId?: string;
  readonly createdAt?: DateTime;
}

export interface EntityQuery {
  readonly type?: string;
  /** In any case, in any script. */
  readonly namePrefix?: string;
  /** 1 to 200; 50 when not given. */
  readonly limit?: number;
}

export interface RelationshipQuery {
  readonly type?: string;
  /** `both` when not given. */
  readonly direction?: Direction;
  readonly limit?: number;
}

export interface FactQuery {
  readonly entityId?: string;
  readonly predicate?: string;
  readonly limit?: number;
}

export interface TraversalFilter {
  /** Only along these; along all when not given or empty. */
  readonly relationshipTypes?: readonly string[];
  /** The lesser of this and the depth asked for counts. */
  readonly maxDepth?: number;
  /** `outgoing` when not given. */
  readonly direction?: Direction;
}

/**
 * What is written is durable when it resolves, and every read sees it. A statement is there once: what is put with the
 * triple of another takes its place, under its own id. Texts are kept as well-formed Unicode.
 */
export interface KnowledgeStore {
  /** Makes an entity, or replaces it whole: properties it had and has no more are gone, facts stay. */
  putEntity(workspaceId: string, entity: EntityInput): Promise<void>;
  /** @throws SigilError `not_found`. */
  getEntity(workspaceId: string, id: string): Promise<Entity>;
  /** In the order of their names. */
  findEntities(workspaceId: string, query?: EntityQuery): Promise<readonly Entity[]>;
  /** With everything said of it: facts, and relationships in either direction. @throws SigilError `not_found`. */
  deleteEntity(workspaceId: string, id: string): Promise<void>;

  /** @throws SigilError `not_found` when one of the two entities is unknown. */
  putRelationship(workspaceId: string, relationship: RelationshipInput): Promise<void>;
  /** Outgoing ones first. */
  relationships(workspaceId: string, entityId: string, query?: RelationshipQuery): Promise<readonly Relationship[]>;
  /** @throws SigilError `not_found`. */
  deleteRelationship(workspaceId: string, id: string): Promise<void>;

  /** A fact may be of something that has no entity (yet). */
  putFact(workspaceId: string, fact: FactInput): Promise<void>;
  /**
   * All or none.
   * @param about entities to be made with them where they are unknown; one that is known stays as it is
   */
  putFacts(workspaceId: string, facts: readonly FactInput[], about?: readonly EntityInput[]): Promise<void>;
  /** Newest first. */
  findFacts(workspaceId: string, query?: FactQuery): Promise<readonly Fact[]>;
  /** @throws SigilError `not_found`. */
  deleteFact(workspaceId: string, id: string): Promise<void>;

  /**
   * The entities that can be reached in at most `depth` steps, at most {@link GRAPH_DEPTH}.
   * @throws SigilError `not_found` when the start is unknown.
   */
  traverse(workspaceId: string, startId: string, depth: number, filter?: TraversalFilter): Promise<Graph>;
  close(): Promise<void>;
}

/** How far a traversal goes at most, in steps. */
export const GRAPH_DEPTH = 8;

/** The largest of each, in UTF-16 units of its text (of its JSON where it is a structure). */
export const KNOWLEDGE_MOST = {
  id: 200,
  /** Types of entities and relationships, predicates, names of properties, sources. */
  word: 200,
  name: 1_000,
  /** A fact's value. */
  value: 16_384,
  /** All properties of an entity. */
  properties: 65_536,
  metadata: 4_096,
  /** Facts put together and entities made with them, and the length of all. */
  facts: 500,
  together: 1_048_576,
} as const;
