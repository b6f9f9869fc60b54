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

it('tells what waits for which model, and why, where a running gateway knows', async () => {
  const dataDir = scratch();
  const model = { name: 'openai/text-embedding-3-small', dimensions: 3 };
  const writer = new VectorsWriter(join(dataDir, PATH), model);
  writer.put([1, 2].map((at) => itemOf(`i-${at}`, new Float32Array())));
  writer.close();
  const source = { file: undefined, env: [], flags: [] };
  const config = { ok: false, problems: [], warnings: [], source } as const;
  const found = async (status: unknown): Promise<readonly Finding[]> => {
    const all: Finding[] = [];
    const ask = (path: string): Promise<unknown> => Promise.resolve(path === '/api/v1/status' ? status : undefined);
    const run = vectorsCheck.run({ dataDir, config, thorough: false, progress: () => undefined, ask });
    for await (const finding of run) if (finding.message.includes('to be embedded')) all.push(finding);
    return all;
  };
  const waits = `${PATH}: 2 texts of it wait to be embedded with ${model.name}`;
  expect(await found(undefined)).toMatchObject([{ verdict: 'pass', message: expect.stringContaining(waits) }]);
  const last_error = { code: 'provider_auth', message: 'openai answered 401', at: '2026-01-01T00:00:00.000Z' };
  const waiting = { embeddings: [{ model: model.name, state: 'waiting', last_error }] };
  expect(await found(waiting)).toMatchObject([
    { verdict: 'warn', message: expect.stringMatching(/2 texts.*openai answered 401/), mend: 'sigil status' },
  ]);
});

it('leaves a file that cannot be read to the check of the databases', async () => {
  const dataDir = scratch();
  mkdirSync(join(dataDir, 'workspaces/home'), { recursive: true });
  writeFileSync(join(dataDir, PATH), 'this is no database, and long enough to be read as one: '.repeat(200));
  expect(await warnings(dataDir)).toEqual([]);
});
