// SPDX-License-Identifier: Apache-2.0
// T13, T14, T15: what a command, a start and an idle gateway cost, held against `node -e 0` as whole processes. What is
// measured is what is published: the built program behind the launcher, as on a machine it was installed on.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { install } from './installed.ts';
import { alternate, type Measured } from './measured.ts';

let installed = '';
const sigil = (): string => join(installed, 'bin/sigil');

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
}

/** Milliseconds a command takes from start to end. */
async function timed(command: string, args: readonly string[]): Promise<number> {
  const began = performance.now();
  const child = spawn(command, args, { stdio: 'ignore' });
  const code = await ended(child);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}`);
  return performance.now() - began;
}

/** The same node the launcher takes, doing nothing. */
const nothing = (): Promise<number> => timed(process.execPath, ['-e', '0']);

function isReady(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ socketPath, path: '/ready' }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode === 200));
    });
    request.once('error', () => resolve(false));
  });
}

/**
 * Milliseconds from one look whether it is ready to the next: whoever looks without a pause takes a good part of one of two
 * cores, and every answer is the work of what is starting.
 */
const LOOK_MS = 5;

interface Running {
  readonly child: ChildProcess;
  readonly dataDir: string;
  /** From spawn to the first 200 of /ready. */
  readonly ready_ms: number;
}

async function startGateway(dataDir: string): Promise<Running> {
  const began = performance.now();
  const child = spawn(sigil(), ['start', '--listen', '127.0.0.1:0', '--data-dir', dataDir], { stdio: 'ignore' });
  const socket = join(dataDir, 'gateway.sock');
  while (!(await isReady(socket))) {
    if (child.exitCode !== null) throw new Error(`the gateway ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return { child, dataDir, ready_ms: performance.now() - began };
}

async function stop({ child }: Running): Promise<void> {
  child.kill('SIGTERM');
  await ended(child);
}

async function withDataDir<T>(use: (dataDir: string) => Promise<T>): Promise<T> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sigil-start-'));
  try {
    return await use(dataDir);
  } finally {
    rmSync(dataDir, { recursive: true });
  }
}

/** Resident memory of a process in MiB, from the kernel's own account. */
function residentMb(pid: number): number {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1024;
}

export interface StartFigures {
  readonly version: Measured;
  readonly status: Measured;
  readonly ready: Measured;
  /** MiB of an idle gateway, the median. */
  readonly idle_mb: Measured;
}

export async function measureStart(rounds: number): Promise<StartFigures> {
  installed = install();
  // Its compiled code is kept as it is after a first start.
  process.env['NODE_COMPILE_CACHE'] = join(installed, 'cache');
  // The first start compiles into the cache that every later one uses, as a second start on a machine does.
  await withDataDir(async (dataDir) => await stop(await startGateway(dataDir)));
  await timed(sigil(), ['version']);
  const version = await alternate(rounds, () => timed(sigil(), ['version']), nothing);
  const ready = await alternate(rounds, () => withDataDir(startOnce), nothing);
  const idle = await withDataDir(async (dataDir) => {
    const running = await startGateway(dataDir);
    // Idle it is once it has given back what the start left: some seconds after it has come to rest.
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    const mb = residentMb(running.child.pid ?? 0);
    const status = await alternate(rounds, () => timed(sigil(), ['status', '--data-dir', dataDir]), nothing);
    await stop(running);
    return { status, mb };
  });
  const idle_mb = { ratio: idle.mb, floor: 1, ours: idle.mb, spread: 0 };
  rmSync(installed, { recursive: true });
  return { version, status: idle.status, ready, idle_mb };
}

async function startOnce(dataDir: string): Promise<number> {
  const running = await startGateway(dataDir);
  await stop(running);
  return running.ready_ms;
}

if (process.argv[1] === import.meta.filename) console.log(await measureStart(Number(process.argv[2] ?? 7)));
