// SPDX-License-Identifier: Apache-2.0
// A gateway in a process of its own, started as people start it: what it holds is its own, and none of who talks to it.

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LAUNCHER } from '../built.ts';
import { Client } from '../edge/client.ts';
import { newDataDir, Person } from '../flow/house.ts';

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(signal, () => process.exit(code));

export interface Gateway {
  readonly port: number;
  readonly owner: Person;
  /** Somebody whose token is in the config. */
  person(token: string): Person;
  /** Ends a thread as a crash of its own would, from outside everything it runs. */
  killThread(name: string): Promise<void>;
  /** Resident memory in bytes. */
  resident(): number;
  openFiles(): number;
  /** Drains it and removes its data. @throws Error when it does not end well. */
  stop(): Promise<void>;
}

const ENDING_THREADS = new URL('./ending-threads.ts', import.meta.url).href;

/** @param settings the configuration as a file would have it; the first of its tokens is the owner's */
export async function startGateway(settings: Readonly<Record<string, unknown>>, ownerToken: string): Promise<Gateway> {
  const dataDir = newDataDir();
  const file = join(dataDir, 'soak.yaml');
  writeFileSync(file, JSON.stringify(settings));
  const child = spawn(LAUNCHER, ['start', '--listen', '127.0.0.1:0', '--data-dir', dataDir, '--config', file], {
    env: { ...process.env, NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import ${ENDING_THREADS}` },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const { pid } = child;
  if (pid === undefined || child.stdout === null) throw new Error('the gateway could not be started');
  // A run that is given up takes its gateway with it.
  process.once('exit', () => child.kill('SIGKILL'));
  const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const port = await new Promise<number>((resolve, reject) => {
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-4_000);
      const found = /http:\/\/[^\s/]+:(\d+)/.exec(text)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
    void gone.then((code) => reject(new Error(`the gateway ended with ${code} before it listened`)));
  });
  const client = new Client(port);
  const status = (): string => readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    port,
    owner: new Person(client, ownerToken),
    person: (token) => new Person(client, token),
    killThread: (name) =>
      new Promise((resolve, reject) => {
        child.once('message', (told: { readonly ended?: string }) =>
          told.ended === name ? resolve() : reject(new Error(`no thread ${name}`)),
        );
        child.send(name);
      }),
    resident: () => Number(/VmRSS:\s+(\d+)/.exec(status())?.[1] ?? Number.NaN) * 1_024,
    openFiles: () => readdirSync(`/proc/${pid}/fd`).length,
    stop: async () => {
      client.close();
      child.kill('SIGTERM');
      const code = await gone;
      rmSync(dataDir, { recursive: true, force: true });
      if (code !== 0) throw new Error(`the gateway ended with ${code}`);
    },
  };
}
