// SPDX-License-Identifier: Apache-2.0
// What is said is embedded behind the turn, in the pool, and survives whoever ends meanwhile; turned on later, nothing is missing.

import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { hash384 } from '../../src/embeddings/hash-384.ts';
import { IndexedSearch } from '../../src/stores/scan/indexed-search.ts';
import { MemoryBudget } from '../../src/stores/scan/memory-budget.ts';
import { VectorsReader } from '../../src/stores/sqlite/vectors-reader.ts';
import { workspaceDir } from '../../src/stores/sqlite/workspace-path.ts';
import type { VectorResult } from '../../src/stores/vector-store.ts';
import { until } from '../edge/client.ts';
import { closeHouses, type House, newDataDir, startHouse } from './house.ts';

afterAll(closeHouses);

/** Searches the file of a workspace once it holds so many vectors. */
async function found(
  house: House,
  workspace: string,
  vectors: number,
  query: string,
): Promise<readonly VectorResult[]> {
  const rows = new VectorsReader(join(workspaceDir(house.dataDir, workspace) ?? '', 'vectors.db'));
  try {
    const search = new IndexedSearch({ key: workspace, rows, budget: new MemoryBudget(0) });
    await until(() => rows.snapshot(({ entries }) => entries) === vectors);
    return search.search(hash384.embed([query]), 3).results;
  } finally {
    rows.close();
  }
}

/** The workspace of the owner's first session. */
async function workspaceOf(house: House, session_id: string): Promise<string> {
  return (await house.owner.get(`/api/v1/sessions/${session_id}`)).body.workspace_id;
}

describe('vectors of what was said', () => {
  it('are there soon after, of questions and answers', async () => {
    const house = await startHouse();
    const { session_id } = (await house.owner.chat('The spare keys are with the neighbour.')).body;
    await house.owner.chat('The dentist moved the appointment.', { session_id });
    const workspace = await workspaceOf(house, session_id);
    const [first] = await found(house, workspace, 4, 'where is the spare key');
    expect(first).toMatchObject({
      source: 'message',
      session_id,
      text: 'The spare keys are with the neighbour.',
      metadata: { role: 'user' },
    });
    const { body } = await house.owner.get(`/api/v1/memory/recall?workspace=${workspace}&q=sparekeys%20neighbourhood`);
    expect(body.similar[0]).toMatchObject({ source: 'message', text: 'The spare keys are with the neighbour.' });
    const { items } = (await house.owner.get('/debug/actors?kind=store')).body;
    expect(items.map(({ address }: { address: string }) => address)).toContain('store/embedder');
  });

  it('are made up for when the views end, and when they were turned off', async () => {
    const dataDir = newDataDir();
    const off = await startHouse({ sessions: { memory: { embeddings: { enabled: false } } } }, dataDir);
    const { session_id } = (await off.owner.chat('The lease must be signed.')).body;
    const workspace = await workspaceOf(off, session_id);
    await off.drain();
    const house = await startHouse({}, dataDir);
    const listening = house.owner.chat('The bread needs more salt.', { session_id });
    await house.killThread('views');
    await listening;
    const results = await found(house, workspace, 4, 'signing the lease');
    expect(results[0]?.text).toBe('The lease must be signed.');
  });
});
