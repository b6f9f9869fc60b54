// SPDX-License-Identifier: Apache-2.0
// Files beside those that everything is written to: secrets and the log of a gateway that runs, an export, plugins' values.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { MAIN } from '../built.ts';
import { type Fault, goWrong, inject, straceArgs } from './faults.ts';
import type { Serving } from './serving.ts';
import type { Tried } from './tried.ts';

const FAULTS: readonly Fault[] = ['ENOSPC', 'EIO', 'EROFS', 'locked'];
const VALUES = fileURLToPath(new URL('./values-child.ts', import.meta.url));

/** Secrets that are set over HTTP while their file cannot be replaced. */
export async function trySecrets(serving: Serving): Promise<readonly Tried[]> {
  const file = join(serving.dataDir, 'secrets.age');
  const set = (name: string) => serving.ask('PUT', `/api/v1/secrets/test/${name}`, { value: 'open sesame' });
  await set('first');
  const tried: Tried[] = [];
  for (const fault of FAULTS) {
    const name = fault.toLowerCase();
    const wrong = await goWrong(serving.pid, fault === 'locked' ? join(serving.dataDir, 'secrets.lock') : file, fault);
    const refused = await set(name);
    await wrong.end();
    const began = Date.now();
    const again = await set(name);
    const kept = (await serving.ask('GET', '/api/v1/secrets')).text;
    tried.push({
      file: 'secrets.age',
      fault,
      told: refused.detail,
      refused: refused.status >= 400,
      again: again.status === 200,
      again_ms: Date.now() - began,
      problems: [
        ...(refused.code === (fault === 'locked' ? 'conflict' : 'storage_failed') ? [] : [`it says ${refused.text}`]),
        ...(again.status === 200 ? [] : [`it does not work again: ${again.text}`]),
        ...['first', name].filter((one) => !kept.includes(`test/${one}`)).map((one) => `${one} is lost`),
      ].map((text) => `secrets.age (${fault}): ${text}`),
    });
  }
  return tried;
}

/** Lines are lost to a log that cannot be written, and nothing else is. */
export async function tryLog(serving: Serving): Promise<readonly Tried[]> {
  const tried: Tried[] = [];
  for (const fault of ['ENOSPC', 'EIO', 'EROFS'] as const) {
    const wrong = await inject(serving.pid, [serving.log], fault);
    await serving.ask('GET', '/api/v1/nothing');
    const said = await serving.say();
    await wrong.end();
    const began = Date.now();
    await serving.ask('GET', '/api/v1/nothing');
    const told = readFileSync(serving.log, 'utf8')
      .split('\n')
      .findLast((line) => line.includes('lines of this log could not be written') && line.includes(fault));
    tried.push({
      file: 'the log',
      fault,
      told: told ?? '',
      refused: false,
      again: serving.runs,
      again_ms: Date.now() - began,
      problems: [
        ...(said.status === 200 ? [] : [`a message is not answered: ${said.text}`]),
        ...(told === undefined ? ['nobody is told that lines are missing'] : []),
        ...(serving.runs ? [] : ['the gateway ended']),
      ].map((text) => `the log (${fault}): ${text}`),
    });
  }
  return tried;
}

/** An export that finds no place leaves nothing under its name. */
export async function tryExport(serving: Serving): Promise<readonly Tried[]> {
  const file = join(serving.scratch, 'export.json');
  const run = async (wrong: readonly string[]): Promise<{ readonly status: number | null; readonly said: string }> => {
    const command = [
      process.execPath,
      MAIN,
      'user',
      'export',
      'owner',
      '--output',
      file,
      '--data-dir',
      serving.dataDir,
    ];
    const [program = '', ...args] = [...wrong, ...command];
    const child = spawn(program, args, {
      env: { ...process.env, HOME: serving.scratch },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    return { status: await new Promise((resolve) => child.once('close', resolve)), said };
  };
  const tried: Tried[] = [];
  for (const fault of ['ENOSPC', 'EIO', 'EROFS'] as const) {
    rmSync(file, { force: true });
    const calls = fault === 'EROFS' ? 'openat' : undefined;
    const failed = await run(['strace', '-qq', ...straceArgs([`${file}.part`], fault, calls)]);
    const left = existsSync(file) || existsSync(`${file}.part`);
    const began = Date.now();
    const again = await run([]);
    const told = failed.said.split('\n').find((line) => line.includes('export.json')) ?? '';
    tried.push({
      file: 'an export',
      fault,
      told,
      refused: true,
      again: again.status === 0,
      again_ms: Date.now() - began,
      problems: [
        ...(failed.status === 0 || told === '' ? [`it ended with ${failed.status}: ${failed.said}`] : []),
        ...(left ? ['something half done is left'] : []),
        ...(again.status === 0 && existsSync(file) ? [] : [`it does not work again: ${again.said}`]),
      ].map((text) => `an export (${fault}): ${text}`),
    });
  }
  return tried;
}

/** Plugins' values: what was answered is there, what was refused is not. */
export async function tryValues(): Promise<readonly Tried[]> {
  const dir = mkdtempSync(join(tmpdir(), 'sigil-faults-'));
  const file = join(dir, 'workspaces', 'w', 'values.db');
  mkdirSync(join(dir, 'workspaces'));
  const child = spawn(process.execPath, [VALUES, dir], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => String((await lines.next()).value);
  const set = async (key: string): Promise<string> => {
    child.stdin.write(`${key}\n`);
    return await line();
  };
  const tried: Tried[] = [];
  const kept = new Set(['first']);
  try {
    await line();
    await set('first');
    for (const fault of FAULTS) {
      const wrong = await goWrong(child.pid ?? 0, file, fault);
      const told = await set(`${fault}-refused`);
      await wrong.end();
      const began = Date.now();
      const again = (await set(`${fault}-kept`)) === 'kept';
      kept.add(`${fault}-kept`);
      const problems = told.startsWith('storage_failed') && told.includes('values.db') ? [] : [`it says ${told}`];
      if (!again) problems.push('it does not work again');
      tried.push({
        file: 'values.db',
        fault,
        told: told.replace(/^\w+ /, ''),
        refused: true,
        again,
        again_ms: Date.now() - began,
        problems: problems.map((text) => `values.db (${fault}): ${text}`),
      });
    }
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.stdin.end();
    await gone;
    const db = new Database(file, { readonly: true });
    const there = new Set(db.prepare('SELECT key FROM entries').pluck().all());
    db.close();
    const last = tried.at(-1);
    if (last !== undefined && there.symmetricDifference(kept).size > 0)
      tried.push({ ...last, problems: [`values.db has ${[...there].join()}, not ${[...kept].join()}`] });
    return tried;
  } finally {
    child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  }
}
