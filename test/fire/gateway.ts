// SPDX-License-Identifier: Apache-2.0
// A gateway as a process of its own that commits faults when it is asked to.

import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { LAUNCHER } from '../built.ts';
import { GatewayLog } from './gateway-log.ts';

export interface Gateway {
  readonly port: number;
  readonly pid: number;
  /** The owner's token. */
  readonly token: string;
  /** The token of a user with this id, one of those it was started for. */
  tokenOf(user: string): string;
  readonly log: GatewayLog;
  /** Sends SIGTERM and gives the exit code; null when a signal ended it before. */
  stop(): Promise<number | null>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

const OWNER = 'owner';

function tokenOf(user: string): string {
  return `token-of-${user}`;
}

/**
 * Starts one and waits until it listens.
 *
 * @param users who may speak there besides its owner
 */
export async function startGateway(
  dataDir: string,
  env: Readonly<Record<string, string>>,
  users: readonly string[] = [],
): Promise<Gateway> {
  const port = await freePort();
  const config = join(dataDir, 'fire.yaml');
  const tokens = [OWNER, ...users].map((user_id) => ({
    token: tokenOf(user_id),
    user_id,
    ...(user_id === OWNER ? { permissions: ['admin:*'] } : {}),
  }));
  writeFileSync(config, JSON.stringify({ auth: { tokens } }));
  const args = ['start', '--listen', `127.0.0.1:${port}`, '--data-dir', dataDir, '--config', config];
  const child: ChildProcess = spawn(LAUNCHER, args, {
    env: {
      ...process.env,
      SIGIL_NETWORKING_CHAT_RATE_LIMIT_RPM: '0',
      SIGIL_NETWORKING_CHAT_MAX_CONCURRENT_STREAMS: '1000',
      SIGIL_MODELS_BUDGETS_PER_SESSION_TOKENS: '0',
      SIGIL_SESSIONS_MAX_TOOL_CALLS_PER_SESSION: '1000000',
      SIGIL_LOGGING_LEVEL: 'warn',
      SIGIL_LOGGING_FORMAT: 'json',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { stdout, stderr, pid } = child;
  if (stdout === null || stderr === null || pid === undefined) throw new Error('the gateway did not start');
  // A run that is given up takes its gateway with it.
  process.once('exit', () => child.kill('SIGKILL'));
  const log = new GatewayLog(stderr);
  const gone = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  await new Promise<void>((resolve, reject) => {
    stdout.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('http://')) resolve();
    });
    void gone.then((code) => reject(new Error(`the gateway ended with ${code} before it listened: ${log.last}`)));
  });
  return {
    port,
    pid,
    token: tokenOf(OWNER),
    tokenOf,
    log,
    stop: () => {
      child.kill('SIGTERM');
      return gone;
    },
  };
}
