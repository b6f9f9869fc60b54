// SPDX-License-Identifier: Apache-2.0
// A process that is started to be killed.

import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface Ended {
  readonly killed: boolean;
  readonly code: number | null;
  readonly errors: string;
}

export interface When {
  /** Words it must have said so often before the time counts; from its start when not given. */
  readonly said?: readonly [word: string, times: number];
  /** Milliseconds from then on. */
  readonly ms: number;
  /** A named place at which it ends itself, before that time. */
  readonly point?: string | undefined;
}

/** How long a process may take to say what it must, in milliseconds. */
const PATIENCE_MS = 30_000;

/** Starts a process and kills it at a moment, or lets it end by itself before. */
export async function kill(args: readonly string[], { said, ms, point }: When): Promise<Ended> {
  const env = { ...process.env, SIGIL_CONFIG: '', ...(point === undefined ? {} : { SIGIL_KILL_AT: point }) };
  const node = ['--disable-warning=ExperimentalWarning', ...args];
  const child = spawn(process.execPath, node, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-2_000);
  });
  const gone = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const ready = new Promise<void>((resolve) => {
    let heard = '';
    child.stdout.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
      if (said !== undefined && heard.split(`${said[0]}\n`).length > said[1]) resolve();
    });
    if (said === undefined) resolve();
  });
  const stop = new AbortController();
  const after = (time: number): Promise<void> => sleep(time, undefined, { signal: stop.signal }).catch(() => undefined);
  await Promise.race([ready, gone, after(PATIENCE_MS)]);
  await Promise.race([gone, after(ms)]);
  stop.abort();
  child.kill('SIGKILL');
  const code = await gone;
  running.delete(child);
  return { killed: code === null, code, errors };
}
