// SPDX-License-Identifier: Apache-2.0
// Facts among the vectors: exactly those that are known, so that what was forgotten is found nowhere.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { VectorsView } from '../../../src/stores/sqlite/vectors-view.ts';
import type { ReadRowOf } from '../../../src/stores/streams.ts';
import type { WorkspaceRecord } from '../../../src/stores/workspace-records.ts';
import { usualRuns } from '../../drawn.ts';
import { KnowledgeModel } from '../knowledge-model.ts';

/** One the other begins with, and some that a prefix could be mistaken about. */
const id = fc.constantFrom('a', 'ab', 'a"', 'a"/', '%', '\0', '🦊');
const factId = fc.constantFrom('f1', 'f2', 'f3');
const fact = fc.record({
  id: factId,
  entity_id: id,
  predicate: fc.constantFrom('p', 'q'),
  value: fc.constantFrom('', 'x', 'y"'),
  confidence: fc.constant(1),
  source: fc.constant('test'),
  user_id: fc.constantFrom('', 'ada'),
});
const change: fc.Arbitrary<WorkspaceRecord> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.array(fact, { minLength: 1, maxLength: 3 }).map((facts) => ({ type: 'facts_put', facts }) as const),
  },
  fc.array(factId, { minLength: 1 }).map((ids) => ({ type: 'facts_deleted', ids }) as const),
  id.map((entity) => ({ type: 'entity_deleted', id: entity }) as const),
);

it('are those that are known, whatever was put again, moved and forgotten', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sigil-facts-'));
  const file = join(dir, 'vectors.db');
  const view = new VectorsView(file, { name: 'test', dimensions: 4 }, () => undefined);
  const db = new Database(file, { readonly: true });
  const stored = db.prepare<[], { ref: string; user: string; text: string }>(
    'SELECT ref, u.name AS user, text FROM items JOIN names u ON u.id = items.user ORDER BY ref',
  );
  let seq = 0;
  fc.assert(
    fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
      const model = new KnowledgeModel();
      view.clear();
      const rows = changes.map((record) => {
        model.apply(record, 0);
        seq += 1;
        const row = { seq, stream: 'workspace/w', n: seq, at: 0, type: record.type, workspace_id: 'w' };
        return { kind: 'workspace', row, record } as unknown as ReadRowOf<'workspace'>;
      });
      view.apply('j', rows);
      const known = model.facts
        .map(({ id: ref, user_id: user, entity_id, predicate, value }) => ({
          ref,
          user,
          text: `${entity_id} ${predicate} ${value}`,
        }))
        .toSorted((a, b) => (a.ref < b.ref ? -1 : 1));
      expect(stored.all()).toEqual(known);
    }),
    { numRuns: usualRuns(1_000) },
  );
  db.close();
  view.close();
  rmSync(dir, { recursive: true });
});
