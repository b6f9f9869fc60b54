// SPDX-License-Identifier: Apache-2.0
// What a workspace knows, as plain lists: what the triples must come to, written without any of their rules.

import type { EntityRow, RelationshipRow } from '../../src/stores/knowledge-queries.ts';
import type {
  StoredEntity,
  StoredFact,
  StoredRelationship,
  WorkspaceRecord,
} from '../../src/stores/workspace-records.ts';

type Timed<T> = T & { readonly created: number };

const iso = (at: number): string => new Date(at).toISOString();

export class KnowledgeModel {
  readonly entities = new Map<string, { entity: StoredEntity; created: number; updated: number }>();
  facts: Timed<StoredFact>[] = [];
  relationships: Timed<StoredRelationship>[] = [];

  apply(record: WorkspaceRecord, at: number): void {
    switch (record.type) {
      case 'entity_put': {
        const { entity } = record;
        const known = this.entities.get(entity.id);
        if (known !== undefined && record.only_new === true) return;
        this.entities.set(entity.id, { entity, created: entity.created_at ?? known?.created ?? at, updated: at });
        break;
      }
      case 'entity_deleted':
        this.entities.delete(record.id);
        this.facts = this.facts.filter((fact) => fact.entity_id !== record.id);
        this.relationships = this.relationships.filter((r) => r.from_id !== record.id && r.to_id !== record.id);
        break;
      case 'facts_put':
        for (const fact of record.facts) {
          const says = (a: StoredFact): string => JSON.stringify([a.entity_id, a.predicate, a.value]);
          this.facts = placed(this.facts, fact, says, at);
        }
        break;
      case 'relationship_put': {
        const says = (a: StoredRelationship): string => JSON.stringify([a.from_id, a.type, a.to_id]);
        this.relationships = placed(this.relationships, record.relationship, says, at);
        break;
      }
      case 'facts_deleted':
        this.facts = this.facts.filter(({ id }) => !record.ids.includes(id));
        break;
      case 'relationships_deleted':
        this.relationships = this.relationships.filter(({ id }) => !record.ids.includes(id));
        break;
      default:
        break;
    }
  }

  entity(id: string): EntityRow | undefined {
    const known = this.entities.get(id);
    if (known === undefined) return undefined;
    const { type, name, properties, user_id } = known.entity;
    return { id, type, name, properties, user_id, created_at: iso(known.created), updated_at: iso(known.updated) };
  }

  /** Ids of facts, newest first. */
  factIds(entity_id?: string, predicate?: string): readonly string[] {
    return this.facts
      .map((fact, index) => ({ fact, index }))
      .filter(({ fact }) => entity_id === undefined || fact.entity_id === entity_id)
      .filter(({ fact }) => predicate === undefined || fact.predicate === predicate)
      .toSorted((a, b) => b.fact.created - a.fact.created || b.index - a.index)
      .map(({ fact }) => fact.id);
  }

  edges(id: string, way: 'outgoing' | 'incoming', type?: string): readonly RelationshipRow[] {
    const key = (r: StoredRelationship): string[] => (way === 'outgoing' ? [r.type, r.to_id] : [r.from_id, r.type]);
    return this.relationships
      .filter((r) => (way === 'outgoing' ? r.from_id : r.to_id) === id && (type === undefined || r.type === type))
      .toSorted((a, b) => byBytes(key(a).join('\0'), key(b).join('\0')))
      .map(({ created, created_at: _, ...r }) => ({ ...r, created_at: iso(created) }));
  }

  /** What is reached: ids by distance, and the ids of relationships between them. */
  walk(start: string, depth: number, types: readonly string[], ways: readonly ('outgoing' | 'incoming')[]) {
    const fits = ({ type }: StoredRelationship): boolean => types.length === 0 || types.includes(type);
    const distance = new Map([[start, 0]]);
    for (let step = 0; step < depth; step += 1) {
      for (const { from_id, to_id } of this.relationships.filter(fits)) {
        const pairs = ways.map((way) => (way === 'outgoing' ? [from_id, to_id] : [to_id, from_id]));
        for (const [a = '', b = ''] of pairs) {
          if (distance.get(a) === step && !distance.has(b) && this.entities.has(b)) distance.set(b, step + 1);
        }
      }
    }
    const order = [...distance].toSorted(([a, x], [b, y]) => x - y || byBytes(a, b)).map(([id]) => id);
    const between = this.relationships.filter((r) => fits(r) && distance.has(r.from_id) && distance.has(r.to_id));
    return { ids: order, relationships: between.map(({ id }) => id).toSorted() };
  }
}

/** SQLite orders texts by their UTF-8. */
export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** A statement put among others: one with its id goes, one that says the same gives it its place. */
function placed<T extends { readonly id: string; readonly created_at?: number }>(
  all: readonly Timed<T>[],
  one: T,
  says: (one: T) => string,
  at: number,
): Timed<T>[] {
  const before = all.find(({ id }) => id === one.id);
  const same = all.find((other) => says(other) === says(one));
  const created = one.created_at ?? same?.created ?? before?.created ?? at;
  const timed = { ...one, created };
  const rest = all.filter((other) => other === same || other !== before);
  return same === undefined ? [...rest, timed] : rest.map((other) => (other === same ? timed : other));
}
