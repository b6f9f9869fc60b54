// SPDX-License-Identifier: Apache-2.0
// The part of a workspace's graph around one entity: one recursive walk, bounded in depth, in breadth and in what it gives.

import type { Direction } from '../knowledge-queries.ts';
import { GRAPH_DEPTH } from '../knowledge-store.ts';
import type { SqliteDatabase } from './database.ts';
import { TRIPLE, type TripleRow } from './knowledge-view.ts';

/**
 * What a walk may cost. `fan`: relationships of one entity that are looked at in one direction. `steps`: entities it goes on
 * from, one reached at two depths counted twice. The product bounds the work: the read thread must not be held.
 */
export const WALK = { fan: 200, steps: 300, entities: 300, relationships: 600 } as const;

export interface WalkOptions {
  readonly workspace: string;
  readonly start: string;
  readonly depth: number;
  readonly types: readonly string[];
  readonly direction: Direction;
  /** Only by what is theirs or the whole workspace's; by everything when not given. */
  readonly user_id?: string | undefined;
}

export interface Walked {
  /** Nearest first, then by id. */
  readonly ids: readonly string[];
  readonly relationships: readonly TripleRow[];
  readonly truncated: boolean;
}

interface Place {
  readonly id: string;
  readonly distance: number;
}

interface Bound {
  readonly workspace: string;
  readonly start: string;
  readonly depth: number;
  readonly types: string;
  readonly user: string | null;
  readonly fan: number;
  readonly steps: number;
}

/** Walks prepared as they are needed: one for each direction, with and without types. */
export class KnowledgeGraph {
  readonly #db: SqliteDatabase;
  readonly #walks = new Map<string, ReturnType<typeof prepare>>();

  constructor(db: SqliteDatabase) {
    this.#db = db;
  }

  walk({ workspace, start, depth, types, direction, user_id }: WalkOptions): Walked {
    const sql = this.#sql(direction, types.length > 0);
    const bound: Bound = {
      workspace,
      start,
      depth: Math.min(depth, GRAPH_DEPTH),
      types: JSON.stringify(types),
      user: user_id ?? null,
      fan: WALK.fan,
      steps: WALK.steps,
    };
    const places = sql.walk.all(bound);
    const walked = places[0]?.steps ?? 0;
    const ids = places.slice(0, WALK.entities).map(({ id }) => id);
    const within = { ...bound, ids: JSON.stringify(ids), most: WALK.relationships + 1 };
    const relationships = sql.between.all(within);
    return {
      ids,
      relationships: relationships.slice(0, WALK.relationships),
      truncated:
        walked >= WALK.steps ||
        places.length > WALK.entities ||
        relationships.length > WALK.relationships ||
        sql.wide.get({ ...bound, ids: JSON.stringify(innerOf(places, bound.depth)) }) !== undefined,
    };
  }

  #sql(direction: Direction, typed: boolean): ReturnType<typeof prepare> {
    const key = `${direction} ${typed}`;
    let sql = this.#walks.get(key);
    if (sql === undefined) {
      sql = prepare(this.#db, direction, typed);
      this.#walks.set(key, sql);
    }
    return sql;
  }
}

/** Those the walk went on from. */
function innerOf(places: readonly Place[], depth: number): readonly string[] {
  return places.filter(({ distance }) => distance < depth).map(({ id }) => id);
}

const ENDS = {
  outgoing: { own: 'subject', other: 'object' },
  incoming: { own: 'object', other: 'subject' },
} as const;

function prepare(db: SqliteDatabase, direction: Direction, typed: boolean) {
  const ways = direction === 'both' ? (['outgoing', 'incoming'] as const) : ([direction] as const);
  const ofType = typed ? 'AND e.predicate IN (SELECT value FROM json_each(@types))' : '';
  /** The first relationships of an entity, in the order of an index: the same ones whenever they are asked for. */
  const edges = (way: 'outgoing' | 'incoming', of: string): string =>
    `SELECT e.n FROM triples e WHERE e.workspace = @workspace AND e.${ENDS[way].own} = ${of}
       AND e.kind = 'relationship' ${ofType}`;
  const step = (way: 'outgoing' | 'incoming'): string =>
    `SELECT t.${ENDS[way].other}, walk.depth + 1 FROM walk
       JOIN triples t ON t.n IN (${edges(way, 'walk.id')} LIMIT @fan)
     WHERE walk.depth < @depth
       AND EXISTS (SELECT 1 FROM entities x WHERE x.workspace = @workspace AND x.id = t.${ENDS[way].other}
       AND (@user IS NULL OR x.user_id IN ('', @user)))`;
  return {
    /** (entity, depth) comes once, so a circle ends at the latest where the depth does. */
    walk: db.prepare<[Bound], Place & { readonly steps: number }>(
      `WITH RECURSIVE walk (id, depth) AS (
         SELECT @start, 0 UNION ${ways.map(step).join(' UNION ')} LIMIT @steps
       )
       SELECT id, min(depth) AS distance, sum(count(*)) OVER () AS steps FROM walk
       GROUP BY id ORDER BY distance, id`,
    ),
    between: db.prepare<[Bound & { readonly ids: string; readonly most: number }], TripleRow>(
      `WITH found (id) AS MATERIALIZED (SELECT value FROM json_each(@ids))
       SELECT ${TRIPLE} FROM triples WHERE n IN (
         ${ways
           .map(
             (way) =>
               `SELECT t.n FROM found CROSS JOIN triples t ON t.n IN (${edges(way, 'found.id')} LIMIT @fan)
                WHERE t.${ENDS[way].other} IN (SELECT id FROM found)`,
           )
           .join(' UNION ')}
         LIMIT @most
       ) ORDER BY subject, predicate, object`,
    ),
    /** Whether one of them has more than is looked at. */
    wide: db
      .prepare<[Bound & { readonly ids: string }], number>(
        `SELECT 1 FROM json_each(@ids) i WHERE ${ways
          .map((way) => `EXISTS (${edges(way, 'i.value')} LIMIT 1 OFFSET @fan)`)
          .join(' OR ')} LIMIT 1`,
      )
      .pluck(),
  };
}
