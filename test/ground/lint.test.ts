// SPDX-License-Identifier: Apache-2.0
// The rules of the house bite: each forbidden thing fails the linter, and what is allowed does not.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Findings, House } from './house.ts';

const injectedRooms = ['bus', 'actors/session', 'agent', 'security', 'stores', 'stores/remote'];
const freeRooms = ['stores/sqlite', 'providers', 'channels/telegram', 'plugins', 'edge', 'cli', 'config'];

/** What brings the world in by the back door, and the rule that must see it. */
const worldly: Record<string, readonly [code: string, rule: string]> = {
  'date-now': ['export const at = Date.now();', 'noRestrictedGlobals'],
  'new-date': ['export const at = new Date();', 'noRestrictedGlobals'],
  performance: ['export const at = performance.now();', 'noRestrictedGlobals'],
  timeout: ['setTimeout(() => undefined, 1);', 'noRestrictedGlobals'],
  interval: ['setInterval(() => undefined, 1);', 'noRestrictedGlobals'],
  immediate: ['setImmediate(() => undefined);', 'noRestrictedGlobals'],
  microtask: ['queueMicrotask(() => undefined);', 'noRestrictedGlobals'],
  'by-global-this': ['export const later = globalThis.setTimeout;', 'noRestrictedGlobals'],
  uuid: ['export const id = crypto.randomUUID();', 'noRestrictedGlobals'],
  'random-values': ['export const bytes = crypto.getRandomValues(new Uint8Array(4));', 'noRestrictedGlobals'],
  process: ['export const pid = process.pid;', 'noRestrictedGlobals'],
  console: ["console.log('hello');", 'noRestrictedGlobals'],
  fetch: ["export const page = fetch('http://example.com');", 'noRestrictedGlobals'],
  'weak-ref': ['export const weak = new WeakRef({});', 'noRestrictedGlobals'],
  random: ['export const chance = Math.random();', 'plugin'],
  'random-by-name': ["export const chance = Math['random']();", 'plugin'],
  'random-taken-out': ['export const { random } = Math;', 'plugin'],
  'random-renamed': ['const all = Math;\nexport const chance = all.random();', 'plugin'],
  'abort-timeout': ['export const signal = AbortSignal.timeout(5);', 'plugin'],
  'atomics-wait': ['export const waited = Atomics.wait(new Int32Array(1), 0, 0);', 'plugin'],
  threads: ["export { Worker } from 'node:worker_threads';", 'noRestrictedImports'],
  files: ["import { readFileSync } from 'node:fs';\nexport const read = readFileSync;", 'noRestrictedImports'],
  'files-promises': ["import { open } from 'node:fs/promises';\nexport const o = open;", 'noRestrictedImports'],
  'files-lazily': ["export const files = import('node:fs');", 'noRestrictedImports'],
  http: ["import { request } from 'node:http';\nexport const ask = request;", 'noRestrictedImports'],
  timers: ["import { setTimeout as later } from 'node:timers';\nexport const l = later;", 'noRestrictedImports'],
  'crypto-random': ["import { randomUUID } from 'node:crypto';\nexport const id = randomUUID;", 'noRestrictedImports'],
  'uuid-package': ["import { v7 } from 'uuid';\nexport const id = v7;", 'noRestrictedImports'],
  database: ["import Database from 'better-sqlite3';\nexport const D = Database;", 'noRestrictedImports'],
};

const promising: Record<string, string> = {
  'async-function': 'export async function one() {}',
  'async-arrow': 'export const one = async () => 1;',
  'async-method': 'export class One {\n  static async one() {}\n}',
  'async-property': 'export const one = { async one() {} };',
  'async-generator': 'export async function* one() {\n  yield 1;\n}',
  'promise-value': 'export const one = Promise.resolve(1);',
  'promise-made': 'export const one = new Promise((done) => done(1));',
  'promise-type': 'export type One = (of: string) => Promise<number>;',
  'lazy-import': "export const one = import('./address.ts');",
};

const pure = [
  "import { createHash, timingSafeEqual } from 'node:crypto';",
  "export const hash = (text: string) => createHash('sha256').update(text).digest();",
  'export const same = timingSafeEqual;',
  'export const most = (list: readonly number[]) => Math.max(...list.map((n) => Math.floor(n)));',
  'export const seen = (counter: Int32Array) => Atomics.load(counter, 0);',
  'export const copy = <T>(value: T): T => structuredClone(value);',
].join('\n');

const sloppy: Record<string, readonly [code: string, rule: string]> = {
  any: ['export const x: any = 1;', 'noExplicitAny'],
  'not-null': ['export const first = (list: string[]) => list[0]!.length;', 'noNonNullAssertion'],
  floating: ['async function go() {}\nexport function start() {\n  go();\n}', 'noFloatingPromises'],
  'unused-variable': ['const x = 1;\nexport const y = 2;', 'noUnusedVariables'],
  'unused-import': ["import { x } from './x.ts';\nexport const y = 2;", 'noUnusedImports'],
  'import-type': ["import { T } from './x.ts';\nexport const y = (t: T) => t;", 'useImportType'],
  parameter: ['export function f(x: number) {\n  x = 2;\n  return x;\n}', 'noParameterAssign'],
  'default-export': ['export default 1;', 'noDefaultExport'],
  console: ["console.log('hello');", 'noConsole'],
};

const files: Record<string, string> = {};
for (const room of [...injectedRooms, ...freeRooms]) {
  for (const [name, [code]] of Object.entries(worldly)) {
    files[`src/${room}/worldly-${name}.ts`] = `${code}\n`;
  }
  files[`src/${room}/pure.ts`] = `${pure}\n`;
  for (const [name, code] of Object.entries(promising)) {
    files[`src/${room}/promising-${name}.ts`] = `${code}\n`;
  }
}
for (const [name, [code]] of Object.entries(sloppy)) {
  files[`src/edge/sloppy-${name}.ts`] = `${code}\n`;
}
files['src/cli/talks.ts'] = "console.log('hello');\n";

let house: House;
let found: Findings;
beforeAll(async () => {
  house = new House(files);
  found = await house.lint();
});
afterAll(() => house.remove());

const broken = (file: string) => [...(found.get(file) ?? [])];
const worldRules = ['noRestrictedGlobals', 'noRestrictedImports', 'plugin'];

describe.each(injectedRooms)('the world is injected in %s', (room) => {
  test.each(Object.entries(worldly))('%s fails', (name, [, rule]) => {
    expect(broken(`src/${room}/worldly-${name}.ts`)).toContain(rule);
  });

  test('what is pure is free', () => {
    expect(broken(`src/${room}/pure.ts`)).toEqual([]);
  });
});

test.each(freeRooms)('%s may touch the world', (room) => {
  const rules = Object.keys(worldly).flatMap((name) => broken(`src/${room}/worldly-${name}.ts`));
  expect(rules.filter((rule) => worldRules.includes(rule))).toEqual([]);
});

describe.each(['bus', 'actors/session'])('no promise in %s', (room) => {
  test.each(Object.keys(promising))('%s fails', (name) => {
    expect(broken(`src/${room}/promising-${name}.ts`)).toContain('plugin');
  });
});

test.each(['agent', 'stores', 'providers', 'edge'])('%s may promise', (room) => {
  expect(Object.keys(promising).flatMap((name) => broken(`src/${room}/promising-${name}.ts`))).not.toContain('plugin');
});

test.each(Object.entries(sloppy))('sloppy code fails: %s', (name, [, rule]) => {
  expect(broken(`src/edge/sloppy-${name}.ts`)).toContain(rule);
});

test('only the command line speaks on the console', () => {
  expect(broken('src/cli/talks.ts')).toEqual([]);
});

test('a source without its two first lines fails', async () => {
  const complaints = await house.licences();
  expect(complaints).toContain('./src/cli/talks.ts: no SPDX-License-Identifier on line 1');
  expect(complaints.filter((line) => line.startsWith('./tools/'))).toEqual([]);
});
