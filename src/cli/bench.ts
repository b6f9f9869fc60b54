// SPDX-License-Identifier: Apache-2.0
// `sigil bench`: a short self-test of this installation, with the offline model, in a directory of its own on the disk of the data.

import { closeSync, existsSync, fsyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { defaultConfig } from '../config/schema.ts';
import { interrupted } from './cli-error.ts';
import { GatewayClient } from './client.ts';
import type { Call, CommandRun } from './command.ts';
import { dataDirOf, socketOf } from './connect.ts';
import { object, text } from './json-reading.ts';
import { progressLine } from './progress-line.ts';

/** Writes of a page that are each forced to the disk. */
const SYNCS = 200;
const PAGE = Buffer.alloc(4096, 0x5a);
const WARM_MS = 500;

interface Spread {
  readonly p50: number;
  readonly p99: number;
}

function spread(sorted: readonly number[]): Spread {
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}

const round = (value: number): number => Math.round(value * 100) / 100;
const rounded = ({ p50, p99 }: Spread): Spread => ({ p50: round(p50), p99: round(p99) });

/** How long the disk takes to promise a page, in milliseconds. */
function diskSync(folder: string): Spread {
  const path = join(folder, 'sync');
  const file = openSync(path, 'w', 0o600);
  const took: number[] = [];
  try {
    for (let count = 0; count < SYNCS; count++) {
      const from = performance.now();
      writeSync(file, PAGE, 0, PAGE.length, count * PAGE.length);
      fsyncSync(file);
      took.push(performance.now() - from);
    }
  } finally {
    closeSync(file);
    rmSync(path, { force: true });
  }
  return spread(took.toSorted((a, b) => a - b));
}

interface Turns {
  readonly count: number;
  readonly seconds: number;
  readonly latency: Spread;
}

/** Conversations that each send their next message once they were answered, for so long. */
async function turns(
  client: GatewayClient,
  sessions: number,
  ms: number,
  told: (done: number) => void,
): Promise<Turns> {
  const took: number[] = [];
  const began = performance.now();
  const until = began + ms;
  const one = async (): Promise<void> => {
    let session: string | undefined;
    while (performance.now() < until) {
      const from = performance.now();
      const body = { content: 'ping', ...(session === undefined ? {} : { session_id: session }) };
      const answer = object(await client.post('/api/v1/chat', body));
      session ??= text(answer['session_id']);
      took.push(performance.now() - from);
      told(took.length);
    }
  };
  await Promise.all(Array.from({ length: sessions }, one));
  const seconds = (performance.now() - began) / 1_000;
  return { count: took.length, seconds, latency: spread(took.toSorted((a, b) => a - b)) };
}

/** A gateway like a new one: nothing of the configuration but its threads and how safely it keeps things. */
async function withGateway<T>(call: Call, folder: string, work: (client: GatewayClient) => Promise<T>): Promise<T> {
  const usual = defaultConfig();
  const config = {
    ...usual,
    // People are held back; a measurement is not.
    networking: { ...usual.networking, chat_rate_limit_rpm: 0, chat_max_concurrent_streams: 100_000 },
    models: { ...usual.models, budgets: { ...usual.models.budgets, per_session_tokens: 0 } },
  };
  const gateway = await call.composition.startGateway({
    config,
    dataDir: folder,
    quarantined: [],
    tcp: false,
    logLevel: 'error',
  });
  try {
    const token = readFileSync(join(folder, 'owner.token'), 'utf8').trim();
    return await work(new GatewayClient({ target: { kind: 'socket', path: gateway.socket }, token: () => token }));
  } finally {
    await gateway.drain('the measurement is over');
  }
}

/** The directory itself, else the nearest above it that is there: what is measured is the disk the data is on. */
function sameDisk(dataDir: string): string {
  let folder = dataDir;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

function judged(disk: Spread): string {
  if (disk.p50 < 2) return 'a fast disk';
  return disk.p50 < 12 ? 'an ordinary disk' : 'a slow disk: every answer waits for it more than once';
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const ms = Number(call.value('seconds') ?? 5) * 1_000;
  const sessions = Number(call.value('sessions') ?? 32);
  const dataDir = dataDirOf(call);
  const beside = sameDisk(dataDir);
  const busy = existsSync(socketOf(dataDir));
  const folder = mkdtempSync(join(beside, '.bench-'));
  const progress = progressLine(output);
  const leave = (): void => {
    rmSync(folder, { recursive: true, force: true });
    process.exit(interrupted().exitStatus);
  };
  process.once('SIGINT', leave).once('SIGTERM', leave);
  try {
    progress.show('measuring the disk');
    const disk = rounded(diskSync(folder));
    const cpu = process.cpuUsage();
    const began = performance.now();
    const found = await withGateway(call, folder, async (client) => {
      const start_ms = Math.round(performance.now() - began);
      progress.show('one conversation');
      await turns(client, 4, WARM_MS, () => undefined);
      const alone = await turns(client, 1, Math.max(1_000, ms / 5), (done) =>
        progress.show(`one conversation: ${done} turns`),
      );
      const many = await turns(client, sessions, ms, (done) =>
        progress.show(`${sessions} conversations: ${done} turns`),
      );
      return { start_ms, alone, many };
    });
    progress.end();
    const { user, system } = process.cpuUsage(cpu);
    const { start_ms, alone, many } = found;
    const all = many.count + alone.count;
    const facts = {
      turns_per_second: round(many.count / many.seconds),
      sessions,
      latency_ms: rounded(many.latency),
      added_latency_ms: rounded(alone.latency),
      fsync_ms: disk,
      start_ms,
      cpu_ms_per_turn: round((user + system) / 1_000 / Math.max(1, all)),
      memory_mib: Math.round(process.memoryUsage.rss() / 1024 / 1024),
      turns: all,
      at: beside,
    };
    if (output.json) output.document(facts);
    else print(call, facts);
    if (busy && !output.json)
      output.note(
        `${output.notePaint.yellow('note:')} a gateway seems to run in ${dataDir}; it shared the machine with this.`,
      );
    return 0;
  } finally {
    progress.end();
    rmSync(folder, { recursive: true, force: true });
  }
};

type Facts = {
  readonly turns_per_second: number;
  readonly sessions: number;
  readonly latency_ms: Spread;
  readonly added_latency_ms: Spread;
  readonly fsync_ms: Spread;
  readonly start_ms: number;
  readonly cpu_ms_per_turn: number;
  readonly memory_mib: number;
  readonly turns: number;
  readonly at: string;
};

function print({ output }: Call, facts: Facts): void {
  const { bold, dim } = output.paint;
  const both = ({ p50, p99 }: Spread): string => `${bold(String(p50))} ms ${dim(`p99 ${p99} ms`)}`;
  const rows: readonly (readonly [string, string, string])[] = [
    [
      'turns',
      `${bold(String(facts.turns_per_second))} /s`,
      `${facts.sessions} conversations at once, the offline model`,
    ],
    ['latency', both(facts.latency_ms), 'of a whole turn, with all of them'],
    [
      'added latency',
      both(facts.added_latency_ms),
      'of a whole turn, one conversation alone: what Sigil adds to a model',
    ],
    ['disk sync', both(facts.fsync_ms), `${judged(facts.fsync_ms)}, at ${facts.at}`],
    ['start', `${bold(String(facts.start_ms))} ms`, 'until a gateway answers'],
    ['processor', `${bold(String(facts.cpu_ms_per_turn))} ms`, 'a turn, this client included'],
    ['memory', `${bold(String(facts.memory_mib))} MiB`, 'of this process at the end, this client included'],
  ];
  for (const [name, value, means] of rows) output.line(`${name.padEnd(14)}${value}  ${dim(means)}`);
}
