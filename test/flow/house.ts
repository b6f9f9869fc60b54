// SPDX-License-Identifier: Apache-2.0
// A whole gateway in the test's process: real HTTP, real SQLite, real worker threads, which the test may take away.

import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quarantinedParts } from '../../src/cli/config-source.ts';
import type { RunningGateway } from '../../src/cli/running-gateway.ts';
import { knownTypes } from '../../src/composition/known-types.ts';
import { realWorkers, type WorkerHost } from '../../src/composition/workers.ts';
import { loadConfig } from '../../src/config/load.ts';
import { startGateway } from '../../src/gateway.ts';
import { Redactor } from '../../src/secrets/redactor.ts';
import { threadEntry } from '../built.ts';
import { machine } from '../config/machine.ts';
import { type Call, Client, parseEvents, type Reply, type ServerEvent, until } from '../edge/client.ts';
import { HANGS_MS } from '../patience.ts';

/** The configuration as a file would have it; the address is always one of the test's own. */
export type Settings = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Somebody with a token. */
export class Person {
  readonly #client: Client;
  readonly #token: string;
  constructor(client: Client, token: string) {
    this.#client = client;
    this.#token = token;
  }

  /** Asks again what was not answered in time: where other programs have the processor, some is not. */
  async get(path: string, call: Call = {}): Promise<Reply> {
    for (;;) {
      const reply = await this.#client.call('GET', path, { token: this.#token, ...call });
      if (reply.status !== 504) return reply;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /**
   * Comes again when it was not let in, as a client does that is told to: where other programs have the processor, some are. A
   * request that is refused so has done nothing.
   */
  async post(path: string, json?: unknown, call: Call = {}): Promise<Reply> {
    for (;;) {
      const sent = { token: this.#token, ...(json === undefined ? {} : { json }), ...call };
      const reply = await this.#client.call('POST', path, sent);
      if (reply.status !== 503 || reply.body?.code !== 'overloaded') return reply;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  put(path: string, json: unknown): Promise<Reply> {
    return this.#client.call('PUT', path, { token: this.#token, json });
  }

  /** Says something and waits for the whole answer. */
  chat(content: string, more: Readonly<Record<string, unknown>> = {}): Promise<Reply> {
    return this.post('/api/v1/chat', { content, ...more });
  }

  /** The same, told to come again for whatever reason. */
  async chatOrWait(content: string, more: Readonly<Record<string, unknown>>): Promise<Reply> {
    for (;;) {
      const reply = await this.chat(content, more);
      if (reply.status !== 503) return reply;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Says something and listens to its turn. */
  async stream(content: string, more: Readonly<Record<string, unknown>> = {}): Promise<Listener> {
    const json = { content, ...more };
    return new Listener(await this.#client.open('POST', '/api/v1/chat/stream', { token: this.#token, json }));
  }

  async listen(path: string, lastEventId?: string): Promise<Listener> {
    const headers = lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId };
    return new Listener(await this.#client.open('GET', path, { token: this.#token, headers }));
  }
}

/** Reads an event stream as it comes. */
export class Listener {
  readonly response: IncomingMessage;
  readonly events: ServerEvent[] = [];
  closed = false;
  #rest = '';

  constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      const frames = (this.#rest + text).split('\n\n');
      this.#rest = frames.pop() ?? '';
      if (frames.length > 0) this.events.push(...parseEvents(`${frames.join('\n\n')}\n\n`));
    });
    response.on('error', () => undefined);
    response.on('close', () => {
      this.closed = true;
    });
  }

  get status(): number {
    return this.response.statusCode ?? 0;
  }

  /** The first event that fits, as soon as it is there. */
  async first(fits: (event: ServerEvent) => boolean, within = HANGS_MS): Promise<ServerEvent> {
    await until(() => this.closed || this.events.some(fits), within);
    const found = this.events.find(fits);
    if (found === undefined) throw new Error(`the stream ended without it: ${JSON.stringify(this.events)}`);
    return found;
  }

  named(name: string, within = HANGS_MS): Promise<ServerEvent> {
    return this.first(({ event }) => event === name, within);
  }

  /** All events, once the stream has ended. */
  async all(within = HANGS_MS): Promise<readonly ServerEvent[]> {
    await until(() => this.closed, within);
    return this.events;
  }

  /** Goes away. */
  leave(): void {
    this.response.destroy();
  }
}

/** The number in an event's id. */
export function numberOf(event: ServerEvent): number {
  return Number(event.id?.split(':').at(-1));
}

/** The text a listener is left with: a restarted turn begins again. */
export function textOf(events: readonly ServerEvent[]): string {
  let text = '';
  for (const { event, data } of events) {
    if (event === 'turn_restarted') text = '';
    if (event === 'text_delta') text += data.text;
  }
  return text;
}

export interface House {
  readonly port: number;
  readonly dataDir: string;
  readonly gateway: RunningGateway;
  readonly client: Client;
  readonly owner: Person;
  /** Somebody whose token is in the config. */
  person(token: string): Person;
  /** Ends a thread as a crash of its own would, from outside everything it runs. */
  killThread(name: string): Promise<void>;
  /** Drains the gateway; the data directory stays. */
  drain(): Promise<void>;
}

const opened: { drain(): Promise<void>; readonly dataDir: string }[] = [];

/** The workers of production, and how to end the present life of each thread: by name a worker that only stands ready is none. */
function killable(): { readonly workers: WorkerHost; readonly kill: (name: string) => Promise<void> } {
  // What the process of the tests held before is none of this gateway's: it would be taken for a large one, which has a lane stand by.
  const before = process.memoryUsage.rss();
  const workers = realWorkers(threadEntry, { resident: () => process.memoryUsage.rss() - before });
  const lives = new Map<string, { readonly end: () => void; readonly ended: Promise<void> }>();
  return {
    workers: {
      ...workers,
      spawn: (name, boot, events) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        const exit = (): void => {
          resolve();
          events.exit();
        };
        const life = workers.spawn(name, boot, { ...events, exit });
        lives.set(name, { end: life.terminate, ended: promise });
        return life;
      },
    },
    kill: async (name) => {
      const life = lives.get(name);
      if (life === undefined) throw new Error(`no thread ${name}`);
      life.end();
      await life.ended;
    },
  };
}

/** @param file of a configuration that may be written anew while the gateway runs; what is in `settings` comes before it */
export async function startHouse(settings: Settings = {}, dataDir = newDataDir(), file?: string): Promise<House> {
  const flags = {
    ...settings,
    networking: {
      listen: '127.0.0.1:0',
      chat_rate_limit_rpm: 0,
      chat_max_concurrent_streams: 100,
      ...settings['networking'],
    },
    gateway: { threads: 2, ...settings['gateway'] },
    models: {
      ...settings['models'],
      budgets: { per_session_tokens: 0, ...(settings['models']?.['budgets'] as object | undefined) },
    },
  };
  // What a reference leads to is read from this machine, as the gateway does; nothing else is its.
  const here = { ...machine(), readText: (path: string) => readFileSync(path, 'utf8') };
  const result = await loadConfig({ known: knownTypes, machine: here, flags, configPath: file });
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  const { config, declared } = result;
  const { workers, kill } = killable();
  const quarantined = quarantinedParts(result.quarantined);
  // What a test wants to be logged goes to a file: the run of the tests says nothing.
  const wanted = settings['logging']?.['level'];
  const log = typeof wanted === 'string' ? { logFd: openSync(join(dataDir, 'test.log'), 'a') } : {};
  const logLevel = typeof wanted === 'string' ? wanted : 'fatal';
  const plain = { config, dataDir, quarantined, tcp: true, logLevel, ...log } as const;
  const written = { declared, configFile: file ?? null, loading: { flags, flagNames: {} }, levelFixed: true };
  const options = file === undefined ? plain : { ...plain, ...written };
  const gateway = await startGateway(options, new Redactor(), workers);
  const port = Number(new URL(gateway.url ?? '').port);
  const client = new Client(port);
  const token = config.auth.tokens[0]?.token ?? readFileSync(join(dataDir, 'owner.token'), 'utf8').trim();
  let draining: Promise<void> | undefined;
  const house: House = {
    port,
    dataDir,
    gateway,
    client,
    owner: new Person(client, token),
    person: (of) => new Person(client, of),
    killThread: kill,
    drain: () => {
      draining ??= gateway.drain('test').finally(() => {
        client.close();
        if (log.logFd !== undefined) closeSync(log.logFd);
      });
      return draining;
    },
  };
  opened.push(house);
  return house;
}

export function newDataDir(): string {
  return mkdtempSync(join(tmpdir(), 'sigil-flow-'));
}

/** What this process has open under a directory, its threads included; nothing where the system does not tell. */
function openUnder(directory: string): readonly string[] {
  const descriptors = '/proc/self/fd';
  if (!existsSync(descriptors)) return [];
  return readdirSync(descriptors).flatMap((descriptor) => {
    try {
      const file = readlinkSync(join(descriptors, descriptor));
      return file.startsWith(`${directory}/`) ? [file] : [];
    } catch {
      // It was that of the look at the directory itself.
      return [];
    }
  });
}

/**
 * Ends what the tests of a file left running and removes their data.
 *
 * All of them first: a gateway that was started again in the directory of another writes there until it is drained itself.
 *
 * @throws Error when a drained gateway has something open: it could still write, and no restart would find what it left
 */
export async function closeHouses(): Promise<void> {
  const closing = opened.splice(0);
  for (const house of closing) await house.drain();
  for (const dataDir of new Set(closing.map((house) => house.dataDir))) {
    const left = openUnder(dataDir);
    rmSync(dataDir, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`drained, and still open: ${left.join(', ')}`);
  }
}
