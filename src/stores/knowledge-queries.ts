// SPDX-License-Identifier: Apache-2.0
// What a workspace knows as it is read: entities, relationships, facts, a part of the graph, and what some words recall.

import type { Page, PageRequest } from './page.ts';
import type { PropertyValue } from './workspace-records.ts';

/** Times of all rows are RFC 3339 UTC with milliseconds. */
export interface EntityRow {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly properties: Readonly<Record<string, PropertyValue>>;
  /** Whose it is; empty: the whole workspace's. */
  readonly user_id: string;
  readonly created_at: string;
  readonly updated_at: string;
}

export interface RelationshipRow {
  readonly id: string;
  readonly from_id: string;
  readonly to_id: string;
  readonly type: string;
  readonly metadata: Readonly<Record<string, PropertyValue>>;
  readonly created_at: string;
}

export interface FactRow {
  readonly id: string;
  readonly entity_id: string;
  /** Null when it is of something that has no entity. */
  readonly entity_name: string | null;
  readonly predicate: string;
  readonly value: string;
  readonly confidence: number;
  readonly source: string;
  readonly user_id: string;
  readonly created_at: string;
}

/** Which way relationships are followed, as seen from the entity they are asked of. */
export type Direction = 'outgoing' | 'incoming' | 'both';

/** The entities around one, nearest first, and the relationships between them. */
export interface GraphRow {
  readonly entities: readonly EntityRow[];
  readonly relationships: readonly RelationshipRow[];
  /** A bound was reached: there is more than this. */
  readonly truncated: boolean;
}

/** Something that words have recalled. */
export type RecalledRow =
  | { readonly kind: 'fact'; readonly fact: FactRow }
  | { readonly kind: 'entity'; readonly entity: EntityRow };

/** Whose is shown: only what is theirs or the whole workspace's; absent: everybody's. */
interface Seen {
  readonly user_id?: string | undefined;
}

/** Questions about what a workspace knows. A page of what is somebody's may hold fewer than asked for. */
export type KnowledgeQueries = {
  readonly 'knowledge.entity': {
    readonly body: Seen & { readonly workspace_id: string; readonly id: string };
    readonly reply: EntityRow;
  };
  /** In the order of their folded names; a prefix is folded the same way. */
  readonly 'knowledge.entities': {
    readonly body: Seen & {
      readonly workspace_id: string;
      readonly type?: string | undefined;
      readonly name_prefix?: string | undefined;
      readonly page: PageRequest;
    };
    readonly reply: Page<EntityRow>;
  };
  /** Outgoing ones by type and whom they lead to, then incoming ones by whom they come from and type. */
  readonly 'knowledge.relationships': {
    readonly body: {
      readonly workspace_id: string;
      readonly entity_id: string;
      readonly type?: string | undefined;
      readonly direction: Direction;
      readonly limit: number;
    };
    readonly reply: { readonly items: readonly RelationshipRow[] };
  };
  /** Newest first. */
  readonly 'knowledge.facts': {
    readonly body: Seen & {
      readonly workspace_id: string;
      readonly entity_id?: string | undefined;
      readonly predicate?: string | undefined;
      readonly page: PageRequest;
    };
    readonly reply: Page<FactRow>;
  };
  readonly 'knowledge.graph': {
    readonly body: Seen & {
      readonly workspace_id: string;
      readonly start_id: string;
      /** Steps from the start at most. */
      readonly depth: number;
      /** Empty: of all types. */
      readonly types: readonly string[];
      readonly direction: Direction;
    };
    readonly reply: GraphRow;
  };
  /** Facts and entities that hold all the words, last put first. Any text is safe. */
  readonly 'knowledge.recall': {
    readonly body: Seen & {
      readonly workspace_id: string;
      readonly words: readonly string[];
      readonly limit: number;
    };
    readonly reply: { readonly items: readonly RecalledRow[] };
  };
};

export type KnowledgeQuery = keyof KnowledgeQueries & string;
