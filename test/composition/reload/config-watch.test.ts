// SPDX-License-Identifier: Apache-2.0
// A watched file through everything that becomes of files: written over, renamed into place, reached by links, gone and back.

import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { realWorld } from '../../../src/composition/real-world.ts';
import { ConfigWatch, waysTo } from '../../../src/composition/reload/config-watch.ts';
import { until } from '../../edge/client.ts';

let folder: string;
let told: string[];
const watches: ConfigWatch[] = [];

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'sigil-watch-')));
  told = [];
});
afterEach(() => {
  for (const one of watches.splice(0)) one.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function watched(...places: string[]): Promise<void> {
  const watch = new ConfigWatch({
    world: realWorld,
    places,
    changed: (file) => void told.push(file),
    blinded: (where, why) => {
      throw new Error(`${where}: ${why}`);
    },
  });
  watches.push(watch);
  await watch.start(Number.POSITIVE_INFINITY);
}

const times = (count: number): Promise<void> => until(() => told.length >= count);

it('a file written over, and one that an editor puts in its place, are told of once each', async () => {
  const file = join(folder, 'sigil.yaml');
  writeFileSync(file, 'one');
  await watched(file);
  writeFileSync(file, 'two');
  await times(1);
  for (const text of ['three', 'four', 'five']) {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  }
  await times(2);
  rmSync(file);
  writeFileSync(file, 'six');
  await times(3);
  expect(told).toEqual([file, file, file]);
});

it('links that are swapped on the way to it, as a mounted ConfigMap has them, lead to another file', async () => {
  for (const version of ['v1', 'v2']) {
    mkdirSync(join(folder, version));
    writeFileSync(join(folder, version, 'sigil.yaml'), version);
  }
  mkdirSync(join(folder, 'etc'));
  symlinkSync(join('..', 'v1'), join(folder, 'etc', '..data'));
  symlinkSync(join('..data', 'sigil.yaml'), join(folder, 'etc', 'sigil.yaml'));
  const file = join(folder, 'etc', 'sigil.yaml');
  const ways = await waysTo(file);
  expect([...(ways.get(join(folder, 'etc')) ?? [])].toSorted()).toEqual(['..data', 'sigil.yaml']);
  expect([...(ways.get(join(folder, 'v1')) ?? [])]).toEqual(['sigil.yaml']);
  await watched(file);
  symlinkSync(join('..', 'v2'), join(folder, 'etc', '..next'));
  renameSync(join(folder, 'etc', '..next'), join(folder, 'etc', '..data'));
  await times(1);
  // The folder it leads to now is watched, and no more the one before.
  writeFileSync(join(folder, 'v2', 'sigil.yaml'), 'v2, edited');
  await times(2);
  expect(told).toHaveLength(2);
});

it('one that is gone is told of, and so is its coming back, whatever became of its folder', async () => {
  const file = join(folder, 'made', 'sigil.yaml');
  mkdirSync(join(folder, 'made'));
  writeFileSync(file, 'one');
  await watched(file);
  rmSync(join(folder, 'made'), { recursive: true });
  await times(1);
  mkdirSync(join(folder, 'made'));
  writeFileSync(file, 'two');
  await times(2);
  expect(told).toHaveLength(2);
});

it('where there is none, the first place that gets one is watched from then on', async () => {
  const [first, second] = [join(folder, 'a.yaml'), join(folder, 'b.yaml')];
  await watched(first, second);
  writeFileSync(second, 'one');
  await times(1);
  writeFileSync(first, 'not this one');
  writeFileSync(second, 'two');
  await times(2);
  expect(told).toEqual([second, second]);
});
