// SPDX-License-Identifier: Apache-2.0
// The triples against plain lists, in any batches, and a hostile graph within its bounds.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { foldedText } from '../../src/stores/folded-text.ts';
import { WALK } from '../../src/stores/sqlite/knowledge-graph.ts';
import { type KnowledgeReader, openKnowledgeReader } from '../../src/stores/sqlite/knowledge-reader.ts';
import { KnowledgeView } from '../../src/stores/sqlite/knowledge-view.ts';
import type { ReadRowOf } from '../../src/stores/streams.ts';
import type { WorkspaceRecord } from '../../src/stores/workspace-records.ts';
import { usualRuns } from '../drawn.ts';
import { byBytes, KnowledgeModel } from './knowledge-model.ts';

type Row = ReadRowOf<'workspace'>;

const dir = mkdtempSync(join(tmpdir(), 'sigil-knowledge-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const id = fc.constantFrom('a', 'b', 'c', 'd', 'name', '🦊');
const name = fc.constantFrom(
  'Ada',
  'ada',
  'ADAM',
  'straße',
  'STRASSE',
  'ΟΔΟΣ',
  'οδος ',
  'e\u0301',
  'É',
  '日本',
  '🦊 x',
);
const word = fc.constantFrom('likes', 'knows', 'name', 'type', 'ÄÖ');
const value = fc.oneof(id, name, fc.constantFrom('', '5', 'true', '\0', "'"));
const at = fc.integer({ min: 0, max: 3 });
const time = fc.option(at, { nil: undefined });
const timed = <T extends object>(created_at: number | undefined, rest: T) =>
  created_at === undefined ? rest : { ...rest, created_at };
const property = fc.oneof(value, fc.constantFrom(5, true, null, -0.5, ['x', { y: 1 }]));
const user_id = fc.constantFrom('', 'ada');

const fact = fc
  .tuple(fc.constantFrom('f1', 'f2', 'f3', 'f4'), id, word, value, user_id, time)
  .map(([fact_id, entity_id, predicate, said, user, created]) =>
    timed(created, {
      id: fact_id,
      entity_id,
      predicate,
      value: said,
      confidence: 0.5,
      source: 'test',
      user_id: user,
    }),
  );
const record: fc.Arbitrary<WorkspaceRecord> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(id, word, name, fc.dictionary(word, property, { maxKeys: 3 }), user_id, time, fc.boolean())
      .map(([entity_id, type, called, properties, user, created, only_new]): WorkspaceRecord => {
        const entity = timed(created, {
          id: entity_id,
          type,
          name: called,
          properties: { ...properties },
          user_id: user,
        });
        return only_new ? { type: 'entity_put', entity, only_new } : { type: 'entity_put', entity };
      }),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom('r1', 'r2', 'r3', 'r4', 'r5'), id, id, word, time)
      .map(([relationship_id, from_id, to_id, type, created]): WorkspaceRecord => {
        const relationship = timed(created, { id: relationship_id, from_id, to_id, type, metadata: { n: from_id } });
        return { type: 'relationship_put', relationship };
      }),
  },
  {
    weight: 4,
    arbitrary: fc.array(fact, { minLength: 1, maxLength: 3 }).map((facts) => ({ type: 'facts_put' as const, facts })),
  },
  id.map((entity_id) => ({ type: 'entity_deleted' as const, id: entity_id })),
  fc.subarray(['f1', 'f2', 'f3', 'f4'], { minLength: 1 }).map((ids) => ({ type: 'facts_deleted' as const, ids })),
  fc.subarray(['r1', 'r2', 'r3'], { minLength: 1 }).map((ids) => ({ type: 'relationships_deleted' as const, ids })),
);

/** Words of ours as the index cuts them: without marks, one for each character of scripts without spaces. */
const tokens = (...texts: readonly string[]): ReadonlySet<string> =>
  new Set(
    foldedText(texts.join(' '))
      .replace(/\p{M}/gu, '')
      .replace(/\p{Script=Han}/gu, ' $& ')
      .match(/[\p{L}\p{N}]+/gu) ?? [],
  );

let seq = 0;
const rowOf = (workspace_id: string, change: WorkspaceRecord, when: number): Row => {
  seq += 1;
  const row = { seq, stream: `workspace/${workspace_id}`, n: seq, at: when, type: change.type, version: 1 };
  return {
    kind: 'workspace',
    row: { ...row, workspace_id, turn_id: null, payload: '' } as Row['row'],
    record: change,
  };
};

function readerOf(file: string, workspace: string): KnowledgeReader {
  const reader = openKnowledgeReader(workspace, file);
  if (reader === undefined) throw new Error('no file');
  return reader;
}

function dump(file: string): Readonly<Record<string, readonly unknown[]>> {
  const db = new Database(file, { readonly: true });
  db.exec(`CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab('main', 'knowledge_text', 'instance')`);
  const all = (from: string): readonly unknown[] => db.prepare(`SELECT * FROM ${from} ORDER BY 1, 2, 3, 4`).all();
  const dumped = {
    triples: all('triples'),
    entities: all('entities'),
    state: db.prepare('SELECT upto FROM view_state').all(),
    words: all('temp.vocabulary'),
  };
  db.close();
  return dumped;
}

describe('triples', () => {
  it('are what plain lists are, whatever is said, in any batches', () => {
    const [file, twin] = [join(dir, 'one.db'), join(dir, 'two.db')];
    const [view, other] = [new KnowledgeView(file), new KnowledgeView(twin)];
    let run = 0;
    let held: Row[] = [];
    const command = fc.tuple(record, at);
    const queries = fc.record({
      id,
      word,
      name,
      depth: fc.integer({ min: 0, max: 4 }),
      types: fc.subarray(['likes', 'knows']),
    });
    fc.assert(
      fc.property(fc.array(command, { maxLength: 24 }), fc.array(fc.nat(8)), queries, (changes, cuts, query) => {
        run += 1;
        const workspace = `w${run}`;
        const model = new KnowledgeModel();
        const rows = changes.map(([change, when]) => {
          model.apply(change, when);
          return rowOf(workspace, change, when);
        });
        // One view gets them in these batches, the other with those of many runs together.
        for (let from = 0, cut = 0; from < rows.length; cut += 1) {
          const batch = rows.slice(from, from + 1 + (cuts[cut] ?? 0));
          view.apply('j', batch);
          from += batch.length;
        }
        held.push(...rows);
        if (run % 40 === 0) other.apply('j', held.splice(0));
        const reader = readerOf(file, workspace);
        try {
          check(reader, model, query);
        } finally {
          reader.close();
        }
      }),
      { numRuns: usualRuns(1_000) },
    );
    other.apply('j', held);
    held = [];
    view.close();
    other.close();
    expect(dump(file)).toEqual(dump(twin));
  });

  interface Query {
    readonly id: string;
    readonly word: string;
    readonly name: string;
    readonly depth: number;
    readonly types: readonly string[];
  }

  function check(reader: KnowledgeReader, model: KnowledgeModel, query: Query): void {
    const page = { limit: 200 };
    for (const each of ['a', 'b', 'c', 'd', 'name', '🦊']) {
      expect(reader.entity(each)).toEqual(model.entity(each));
      expect(reader.has('entity', each)).toBe(model.entities.has(each));
    }
    const prefix = query.name.slice(0, 1 + (query.depth % query.name.length));
    const found = reader.entities({ name_prefix: prefix, page }).items.map((entity) => entity.id);
    const named = [...model.entities.values()]
      .map(({ entity }) => entity)
      .filter((entity) => foldedText(entity.name).startsWith(foldedText(prefix)))
      .toSorted((a, b) => byBytes(foldedText(a.name), foldedText(b.name)) || byBytes(a.id, b.id));
    expect(found).toEqual(named.map((entity) => entity.id));
    const typed = reader.entities({ type: query.word, page }).items;
    expect(typed.length).toBe([...model.entities.values()].filter(({ entity }) => entity.type === query.word).length);
    for (const [entity_id, predicate] of [[], [query.id], [undefined, query.word], [query.id, query.word]]) {
      const ids = reader.facts({ entity_id, predicate, page }).items.map((row) => row.id);
      expect(ids).toEqual(model.factIds(entity_id, predicate));
    }
    for (const type of [undefined, query.word]) {
      for (const direction of ['outgoing', 'incoming'] as const) {
        const rows = reader.relationships({ entity_id: query.id, type, direction, limit: 200 });
        expect(rows).toEqual(model.edges(query.id, direction, type));
      }
      const both = [...model.edges(query.id, 'outgoing', type), ...model.edges(query.id, 'incoming', type)];
      const rows = reader.relationships({ entity_id: query.id, type, direction: 'both', limit: 200 });
      expect(rows).toEqual(both.filter((row, index) => both.findIndex((one) => one.id === row.id) === index));
    }
    for (const direction of ['outgoing', 'incoming', 'both'] as const) {
      const { id: start_id, depth, types } = query;
      const graph = reader.graph({ start_id, depth, types, direction });
      if (!model.entities.has(start_id)) {
        expect(graph).toBeUndefined();
        continue;
      }
      const ways = direction === 'both' ? (['outgoing', 'incoming'] as const) : [direction];
      const walked = model.walk(start_id, depth, types, ways);
      expect(graph?.entities.map((entity) => entity.id)).toEqual(walked.ids);
      expect(graph?.relationships.map((one) => one.id).toSorted()).toEqual(walked.relationships);
      expect(graph?.truncated).toBe(false);
    }
    const words = [...tokens(query.name)];
    const recalled = reader.recall({ words: [query.name], user_id: 'ada', limit: 200 });
    const owned = words.length > 0;
    const fits = (said: ReadonlySet<string>): boolean => owned && words.every((each) => said.has(each));
    const facts = model.facts.filter(({ entity_id, predicate, value: said }) =>
      fits(tokens(model.entities.get(entity_id)?.entity.name ?? '', predicate, said)),
    );
    const entities = [...model.entities.values()].filter(({ entity: { name: called, type, properties } }) => {
      const texts = Object.values(properties).map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
      return fits(tokens(called, type, ...Object.keys(properties), ...texts));
    });
    expect(recalled.map((item) => (item.kind === 'fact' ? item.fact.id : item.entity.id)).toSorted()).toEqual(
      [...facts.map((one) => one.id), ...entities.map(({ entity }) => entity.id)].toSorted(),
    );
  }

  it('pages through facts and entities, each once', () => {
    const file = join(dir, 'pages.db');
    const view = new KnowledgeView(file);
    const facts = Array.from({ length: 25 }, (_, n) => ({
      id: `f${n}`,
      entity_id: 'e',
      predicate: 'p',
      value: `${n}`,
      confidence: 1,
      source: '',
      user_id: '',
      created_at: n % 3,
    }));
    view.apply('j', [
      rowOf('w', { type: 'facts_put', facts }, 1),
      ...facts.map(({ id: each }) => {
        const entity = { id: each, type: 't', name: 'Same', properties: {}, user_id: '' };
        return rowOf('w', { type: 'entity_put', entity }, 1);
      }),
    ]);
    const reader = readerOf(file, 'w');
    const walk = (
      read: (cursor: string | undefined) => { items: readonly { id: string }[]; next_cursor: string | null },
    ) => {
      const ids: string[] = [];
      let cursor: string | undefined;
      do {
        const { items, next_cursor } = read(cursor);
        ids.push(...items.map((item) => item.id));
        cursor = next_cursor ?? undefined;
      } while (cursor !== undefined);
      return ids;
    };
    const pages = [
      walk((cursor) => reader.facts({ page: { limit: 4, cursor } })),
      walk((cursor) => reader.facts({ entity_id: 'e', predicate: 'p', page: { limit: 4, cursor } })),
      walk((cursor) => reader.entities({ page: { limit: 4, cursor } })),
      walk((cursor) => reader.entities({ type: 't', name_prefix: 'SA', page: { limit: 4, cursor } })),
    ];
    for (const ids of pages) expect([ids.length, new Set(ids).size]).toEqual([25, 25]);
    for (const cursor of ['nonsense', reader.facts({ page: { limit: 4 } }).next_cursor ?? '']) {
      expect(() => reader.entities({ page: { limit: 4, cursor } })).toThrow(/cursor/);
    }
    reader.close();
    view.close();
  });
});

describe('a hostile graph', () => {
  const SPOKES = 100_000;
  const file = join(dir, 'hostile.db');
  let reader: KnowledgeReader;
  beforeAll(() => {
    const view = new KnowledgeView(file);
    // The rows a hundred thousand records would leave, written at once: this is about reading them.
    const db = new Database(file);
    db.exec(`
      WITH RECURSIVE i (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM i LIMIT ${SPOKES})
      INSERT INTO entities SELECT 'w', 'n' || n, 'spoke', 'spoke ' || n, 'SPOKE ' || n, '', 0, 0 FROM i;
      INSERT INTO entities VALUES ('w', 'hub', 'hub', 'Hub', 'HUB', '', 0, 0);
      WITH RECURSIVE i (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM i LIMIT ${SPOKES})
      INSERT INTO triples (workspace, subject, predicate, object, kind, id, metadata, created)
        SELECT 'w', 'hub', 'has', 'n' || n, 'relationship', 'o' || n, '{}', 0 FROM i
        UNION ALL SELECT 'w', 'n' || n, 'of', 'hub', 'relationship', 'i' || n, '{}', 0 FROM i
        UNION ALL SELECT 'w', 'n' || n, 'next', 'n' || ((n * 7 + 1) % 1000), 'relationship', 'x' || n, '{}', 0 FROM i
        UNION ALL SELECT 'w', 'hub', 'says', n, 'fact', 'f' || n,
          '{"confidence":1,"source":"","user_id":""}', n / 1000 FROM i;
      INSERT INTO knowledge_text (rowid, words, who) SELECT n, 'HUB SAYS ' || object, 'u' FROM triples WHERE kind = 'fact';
      ANALYZE;`);
    db.close();
    view.close();
    reader = readerOf(file, 'w');
  });
  afterAll(() => reader.close());

  it('gives a bounded part of a star, and says that there is more', () => {
    for (const direction of ['outgoing', 'incoming', 'both'] as const) {
      for (const types of [[], ['has', 'of', 'next']]) {
        const graph = reader.graph({ start_id: 'hub', depth: 100, types, direction });
        expect(graph?.truncated).toBe(true);
        expect(graph?.entities[0]?.id).toBe('hub');
        expect(graph?.entities.length).toBeGreaterThan(100);
        expect(graph?.entities.length).toBeLessThanOrEqual(WALK.entities);
        expect(graph?.relationships.length).toBeLessThanOrEqual(WALK.relationships);
      }
    }
  });

  it('shows the hub itself and pages of what is around it', () => {
    const page = { limit: 50 };
    expect(reader.entity('hub')?.properties).toEqual({});
    expect(reader.facts({ entity_id: 'hub', page }).items).toHaveLength(50);
    expect(reader.facts({ entity_id: 'hub', predicate: 'none', page }).items).toEqual([]);
    expect(reader.relationships({ entity_id: 'hub', direction: 'both', limit: 50 })).toHaveLength(50);
    expect(reader.relationships({ entity_id: 'hub', type: 'none', direction: 'both', limit: 50 })).toEqual([]);
    expect(reader.entities({ name_prefix: 'spoke', page }).items).toHaveLength(50);
    expect(reader.entities({ type: 'hub', page }).items).toHaveLength(1);
    expect(reader.recall({ words: ['hub', 'says'], limit: 50 })).toHaveLength(50);
    expect(reader.recall({ words: ['hub', '99999'], limit: 50 })).toHaveLength(1);
  });
});
