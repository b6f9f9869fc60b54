// SPDX-License-Identifier: Apache-2.0
// A gateway as a process of its own, to be killed: started by the launcher people use, on a fixed port and data directory.

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

const ROOT = new URL('../..', import.meta.url).pathname;

export interface GatewayProcess {
  readonly url: string;
  readonly child: ChildProcess;
  /** Settles when the process is gone. */
  readonly gone: Promise<number | null>;
  /** Sends SIGKILL and waits until the process is gone. */
  kill(): Promise<void>;
  /** Sends SIGTERM and gives the exit code. */
  stop(): Promise<number | null>;
}

/** A port nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Starts a gateway and waits for its URL line; the rest of its environment is this process's. */
export async function startProcess(
  dataDir: string,
  port: number,
  env: Readonly<Record<string, string>> = {},
): Promise<GatewayProcess> {
  const child = spawn(join(ROOT, 'bin/sigil'), ['start', '--listen', `127.0.0.1:${port}`, '--data-dir', dataDir], {
    env: {
      ...process.env,
      SIGIL_NETWORKING_CHAT_RATE_LIMIT_RPM: '0',
      SIGIL_MODELS_BUDGETS_PER_SESSION_TOKENS: '0',
      SIGIL_LOGGING_LEVEL: 'warn',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const gone = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4_000);
  });
  const url = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const found = /http:\/\/\S+/.exec(text)?.[0];
      if (found !== undefined) resolve(found);
    });
    void gone.then((code) => reject(new Error(`the gateway ended with ${code} before it listened: ${errors}`)));
  });
  return {
    url,
    child,
    gone,
    kill: async () => {
      child.kill('SIGKILL');
      await gone;
    },
    stop: () => {
      child.kill('SIGTERM');
      return gone;
    },
  };
}

export function ownerToken(dataDir: string): string {
  return readFileSync(join(dataDir, 'owner.token'), 'utf8').trim();
}
