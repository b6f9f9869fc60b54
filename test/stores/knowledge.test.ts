// SPDX-License-Identifier: Apache-2.0
// The knowledge store in one process and over the bus.

import { cpSync, existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { knowledgeContract } from './knowledge-contract.ts';
import { codeOf, inOneProcess, overTheBus } from './workspace-stores.ts';

knowledgeContract('in one process', () => inOneProcess());
knowledgeContract('over the bus', () => overTheBus());

it('answers nothing once it is closed', async () => {
  const stores = await inOneProcess();
  await stores.knowledge.close();
  await stores.values.close();
  expect(await codeOf(stores.knowledge.findFacts('home'))).toBe('draining');
  expect(await codeOf(stores.knowledge.putEntity('home', { id: 'a', type: 't', name: 'n' }))).toBe('draining');
  expect(await codeOf(stores.values.set({ workspaceId: 'home', plugin: 'p' }, 'k', 'v'))).toBe('draining');
  await stores.close();
});

/** Every triple and entity of a workspace's file. */
function rowsOf(dir: string, workspace: string): readonly unknown[] {
  const db = new Database(join(dir, 'workspaces', workspace, 'knowledge.db'), { readonly: true });
  const rows = ['triples', 'entities'].map((table) => db.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all());
  db.close();
  return rows;
}

it('is made again from the journal alone, row for row', async () => {
  const first = await inOneProcess();
  const { knowledge } = first;
  for (let n = 0; n < 30; n += 1) {
    const workspace = n % 2 === 0 ? 'home' : 'office';
    await knowledge.putEntity(workspace, { id: `e${n % 5}`, type: 't', name: `name ${n}`, properties: { n } });
    await knowledge.putFact(workspace, { id: `f${n % 7}`, entityId: `e${n % 5}`, predicate: 'p', value: `${n % 3}` });
    await knowledge.putEntity(workspace, { id: 'hub', type: 't', name: 'Hub' });
    await knowledge.putRelationship(workspace, { id: `r${n % 4}`, fromId: `e${n % 5}`, toId: 'hub', type: 'knows' });
    if (n % 9 === 8) await knowledge.deleteEntity(workspace, `e${n % 5}`);
  }
  await knowledge.findFacts('home');
  const dir = mkdtempSync(join(tmpdir(), 'sigil-stores-'));
  for (const end of ['', '-wal'])
    if (existsSync(join(first.dir, `journal.db${end}`)))
      cpSync(join(first.dir, `journal.db${end}`), join(dir, `journal.db${end}`));
  const second = await inOneProcess(dir);
  for (const workspace of ['home', 'office']) {
    const facts = await knowledge.findFacts(workspace);
    expect(facts.length).toBeGreaterThan(3);
    expect(await second.knowledge.findFacts(workspace)).toEqual(facts);
    expect(rowsOf(dir, workspace)).toEqual(rowsOf(first.dir, workspace));
  }
  await first.close();
  await second.close();
});
