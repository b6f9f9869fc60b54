// SPDX-License-Identifier: Apache-2.0
// What `sigil doctor` says of texts that could not be embedded, over real files.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Finding } from '../../src/cli/doctor-check.ts';
import { vectorsCheck } from '../../src/composition/doctor/vectors.ts';
import { hash384 } from '../../src/embeddings/hash-384.ts';
import { SqliteJournalDisk } from '../../src/stores/sqlite/journal-disk.ts';
import { VectorsWriter } from '../../src/stores/sqlite/vectors-writer.ts';
import { itemOf } from '../stores/vectors/contract.ts';
import { scratch } from '../stores/vectors/stores.ts';

const PATH = 'workspaces/home/vectors.db';

async function warnings(dataDir: string): Promise<readonly Finding[]> {
  const source = { file: undefined, env: [], flags: [] };
  const config = { ok: false, problems: [], warnings: [], source } as const;
  const found: Finding[] = [];
  const run = vectorsCheck.run({ dataDir, config, thorough: false, progress: () => undefined });
  for await (const finding of run) if (finding.verdict !== 'pass') found.push(finding);
  return found;
}

it('counts the texts that a model could not embed, and names what tries them again', async () => {
  const dataDir = scratch();
  new SqliteJournalDisk({ file: join(dataDir, 'journal.db'), durability: 'normal' }).close();
  const writer = new VectorsWriter(join(dataDir, PATH), { name: hash384.id, dimensions: hash384.dimensions });
  expect(await warnings(dataDir)).toEqual([]);
  const texts = ['the spare keys', 'deadly', 'deadlier'];
  writer.put(texts.map((text, at) => ({ ...itemOf(`i-${at}`, new Float32Array()), text })));
  // The vector of a text without a word is all zero: there is nothing wrong with it.
  writer.putEmbedded([itemOf('empty', new Float32Array(hash384.dimensions))]);
  const missing = writer.missing();
  if (missing === undefined) throw new Error('everything is missing');
  const [good, ...bad] = missing.items;
  if (good === undefined) throw new Error('nothing is missing');
  writer.fill({ ...missing, items: [good], upto: good.n }, hash384.embed([good.text]));
  writer.giveUp({ ...missing, items: bad });
  writer.close();
  const [warning, ...more] = await warnings(dataDir);
  expect(more).toEqual([]);
  expect(warning).toMatchObject({ verdict: 'warn', mend: `sigil doctor rebuild ${PATH}` });
  expect(warning?.message).toContain(`${PATH}: 2 texts of it are found by words only, for ${hash384.id} could not`);
});

it('leaves a file that cannot be read to the check of the databases', async () => {
  const dataDir = scratch();
  mkdirSync(join(dataDir, 'workspaces/home'), { recursive: true });
  writeFileSync(join(dataDir, PATH), 'this is no database, and long enough to be read as one: '.repeat(200));
  expect(await warnings(dataDir)).toEqual([]);
});
