// SPDX-License-Identifier: Apache-2.0
// A gateway as a process group of its own, to be killed: started by the launcher people use, on a fixed port and data directory.

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LAUNCHER } from '../built.ts';

const COUNTING_TOOLS = fileURLToPath(new URL('./counting-tools.ts', import.meta.url));

/** Groups that still run: a harness that ends leaves none behind. */
const running = new Set<number>();

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

process.once('exit', () => {
  for (const pid of running) killGroup(pid);
});
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => process.exit(code));
}

export interface GatewayProcess {
  readonly child: ChildProcess;
  /** The URL once it listens; null when it ended before. */
  readonly listening: Promise<string | null>;
  /** Settles with its exit code when the process is gone; null when a signal ended it. */
  readonly gone: Promise<number | null>;
  /** What it said on stderr at last. */
  said(): string;
  /** Sends SIGKILL to the whole group and waits until the process is gone. */
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

export interface Place {
  readonly dataDir: string;
  readonly port: number;
  /** Where the counting tools write what they did; outside of the data directory. */
  readonly effects: string;
  /** The launcher; this checkout's when not given. */
  readonly launcher?: string;
}

/** What a gateway that is to be killed runs with. */
const HARD = {
  SIGIL_NETWORKING_CHAT_RATE_LIMIT_RPM: '0',
  SIGIL_NETWORKING_CHAT_MAX_CONCURRENT_STREAMS: '1000',
  SIGIL_MODELS_BUDGETS_PER_SESSION_TOKENS: '0',
  SIGIL_SESSIONS_MAX_TOOL_CALLS_PER_SESSION: '1000000',
  // Sessions are summed up all the time, and keep next to nothing beside their summaries.
  SIGIL_SESSIONS_MEMORY_ACTIVE_WINDOW: '2',
  SIGIL_SESSIONS_MEMORY_COMPACTION_BATCH_SIZE: '4',
  SIGIL_SESSIONS_MEMORY_RECENT_STORE_MAX_MESSAGES: '3',
  SIGIL_LOGGING_LEVEL: 'warn',
  SIGIL_TEST_TOOLS: COUNTING_TOOLS,
};

/**
 * Starts a gateway; the rest of its environment is this process's.
 *
 * @param place with null as port where it listens is in its configuration
 */
export function spawnGateway(
  place: Omit<Place, 'port'> & { readonly port: number | null },
  env: Readonly<Record<string, string>> = {},
): GatewayProcess {
  const { dataDir, port, effects, launcher = LAUNCHER } = place;
  const listen = port === null ? [] : ['--listen', `127.0.0.1:${port}`];
  const child = spawn(launcher, ['start', ...listen, '--data-dir', dataDir], {
    detached: true,
    env: {
      ...process.env,
      ...HARD,
      COUNTED_EFFECTS: effects,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('the gateway could not be started');
  running.add(pid);
  const gone = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => {
      running.delete(pid);
      resolve(code);
    });
  });
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4_000);
  });
  const listening = new Promise<string | null>((resolve) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-4_000);
      const found = /http:\/\/\S+/.exec(text)?.[0];
      if (found !== undefined) resolve(found);
    });
    void gone.then(() => resolve(null));
  });
  return {
    child,
    listening,
    gone,
    said: () => errors,
    kill: async () => {
      killGroup(pid);
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

/** A gateway that listens. */
export type ListeningProcess = GatewayProcess & { readonly url: string };

/** Starts a gateway and waits until it listens. @throws Error when it ends before that. */
export async function startProcess(
  dataDir: string,
  port: number | null,
  env: Readonly<Record<string, string>> = {},
): Promise<ListeningProcess> {
  const gateway = spawnGateway({ dataDir, port, effects: `${dataDir}.effects` }, env);
  const url = await gateway.listening;
  if (url === null)
    throw new Error(`the gateway ended with ${await gateway.gone} before it listened: ${gateway.said()}`);
  return { ...gateway, url };
}

/** The environment in which nothing goes before what is in a file. */
export function onlyFile(file: string): Readonly<Record<string, string>> {
  const others = Object.keys({ ...process.env, ...HARD }).filter((name) => name.startsWith('SIGIL_'));
  return { ...Object.fromEntries(others.map((name) => [name, ''])), SIGIL_CONFIG: file };
}
