// SPDX-License-Identifier: Apache-2.0
// Back quickly: from the start after a kill until the gateway serves, and until every interrupted turn goes on, over a long journal.

import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { install } from '../../bench/installed.ts';
import { freePort, spawnGateway } from './gateway-process.ts';

export interface BackOptions {
  readonly rows: number;
  readonly sessions: number;
  readonly rounds: number;
}

/** Medians, in milliseconds from the start of the process. */
export interface BackFigures {
  rows: number;
  sessions: number;
  ready: number;
  resumed: number;
  finished: number;
  /** What `node -e 0` took in the same run. */
  node: number;
  problems: number;
}

/** The bars: serving, and every interrupted turn taken up. */
export const BARS = { ready: 500, resumed: 1_000 } as const;

/** The tools as they are: counting them would sync a file for each. */
const PLAIN = { SIGIL_TEST_TOOLS: '' };
const CHILD = fileURLToPath(new URL('./back-child.ts', import.meta.url));
const WITHIN_MS = 60_000;
const LOOK_MS = 5;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

function ready(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = get({ host: '127.0.0.1', port, path: '/ready', agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on('error', () => resolve(false));
  });
}

async function fabricate(dataDir: string, rows: number, sessions: number): Promise<void> {
  const args = ['--disable-warning=ExperimentalWarning', CHILD, dataDir, String(rows), String(sessions)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2_000);
  });
  const signal = await new Promise((resolve) => child.once('exit', (_, by) => resolve(by)));
  if (signal !== 'SIGKILL') throw new Error(`the journal could not be made: ${said}`);
}

export async function backQuickly({ rows, sessions, rounds }: BackOptions): Promise<BackFigures> {
  const scratch = mkdtempSync(join(tmpdir(), 'sigil-back-'));
  const made = join(scratch, 'made');
  const installed = install();
  try {
    console.log(`back quickly: ${rows} rows, ${sessions} interrupted sessions, ${rounds} rounds`);
    await fabricate(made, rows, sessions);
    // A gateway that is killed as soon as it knows what is open leaves its lock and its socket behind, and nothing done.
    const place = { dataDir: made, effects: join(scratch, 'effects') };
    const first = spawnGateway({ ...place, port: await freePort() }, { ...PLAIN, SIGIL_KILL_AT: 'recover.owed' });
    await first.gone;
    const took: { ready: number; resumed: number; finished: number; node: number }[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const began = performance.now();
      spawnSync(process.execPath, ['-e', '0']);
      const node = performance.now() - began;
      const dataDir = round === rounds - 1 ? made : join(scratch, `round-${round}`);
      if (dataDir !== made) cpSync(made, dataDir, { recursive: true, filter: (file) => !file.endsWith('.sock') });
      took.push({ ...(await start(dataDir, place.effects, installed, sessions)), node });
      if (dataDir !== made) rmSync(dataDir, { recursive: true });
    }
    const of = (name: 'ready' | 'resumed' | 'finished' | 'node'): number =>
      Math.round(median(took.map((one) => one[name])));
    const figures = { ready: of('ready'), resumed: of('resumed'), finished: of('finished'), node: of('node') };
    for (const one of took)
      console.log(
        `  ready ${Math.round(one.ready)} ms, resumed ${Math.round(one.resumed)} ms, finished ${Math.round(one.finished)} ms; node -e 0 ${Math.round(one.node)} ms`,
      );
    return { rows, sessions, ...figures, problems: 0 };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    rmSync(installed, { recursive: true, force: true });
  }
}

/** One start over a copy: looks at `/ready`, then at the journal's own file until nothing is owed any more. */
async function start(
  dataDir: string,
  effects: string,
  installed: string,
  sessions: number,
): Promise<{ ready: number; resumed: number; finished: number }> {
  const db = new Database(join(dataDir, 'journal.db'), { readonly: true });
  const last = db.prepare<[], number>('SELECT max(seq) FROM records').pluck().get() ?? 0;
  const count = (type: string): number =>
    db
      .prepare<[number, string], number>('SELECT count(*) FROM records WHERE seq > ? AND type = ?')
      .pluck()
      .get(last, type) ?? 0;
  const port = await freePort();
  const began = performance.now();
  const since = (): number => performance.now() - began;
  // What is published, as it starts every time but the first.
  const env = { ...PLAIN, NODE_COMPILE_CACHE: join(installed, 'cache') };
  const gateway = spawnGateway({ dataDir, effects, port, launcher: join(installed, 'bin/sigil') }, env);
  const until = async (done: () => boolean | Promise<boolean>): Promise<number> => {
    while (!(await done())) {
      if (since() > WITHIN_MS) throw new Error(`not back after ${WITHIN_MS / 1_000} s: ${gateway.said()}`);
      await sleep(LOOK_MS);
    }
    return since();
  };
  try {
    const [served, resumed] = await Promise.all([
      until(() => ready(port)),
      until(() => count('turn_resumed') >= sessions),
    ]);
    const finished = await until(() => count('turn_finished') >= sessions);
    return { ready: served, resumed, finished };
  } finally {
    db.close();
    await gateway.kill();
  }
}
