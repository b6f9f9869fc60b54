// SPDX-License-Identifier: Apache-2.0
// Runs the command line as a process of its own, in an empty home.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { COMPILED, FAKE, MAIN } from '../built.ts';
import { leftBehind } from '../left-behind.ts';
import { HANGS_MS } from '../patience.ts';

export { FAKE };

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly entry?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly cwd?: string;
}

/** A directory nobody else uses, gone after the tests of the file. */
export function scratch(): string {
  return leftBehind('sigil-cli-');
}

/** An environment in which nothing of this machine's Sigil is found. */
export function cleanEnv(home: string, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    SIGIL_DATA_DIR: join(home, 'data'),
    NODE_COMPILE_CACHE: COMPILED,
    ...more,
  };
}

/** Starts a process; `done` settles when it has ended. */
export function start(args: readonly string[], home: string, options: RunOptions = {}) {
  const child = spawn(process.execPath, [options.entry ?? MAIN, ...args], {
    cwd: options.cwd ?? home,
    env: cleanEnv(home, options.env),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const done = new Promise<Ran>((resolve) => {
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
  return { child, done, stdout: () => stdout, stderr: () => stderr };
}

/** Runs a command line to its end. */
export function sigil(args: readonly string[], home: string, options: RunOptions = {}): Promise<Ran> {
  return start(args, home, options).done;
}

/** Waits until something is true. */
export async function until(what: () => boolean, ms = HANGS_MS): Promise<void> {
  const deadline = Date.now() + ms;
  while (!what()) {
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${what.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
