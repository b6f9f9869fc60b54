// SPDX-License-Identifier: Apache-2.0
// One connection to Discord's gateway: it is taken up again where it broke, also by the next adapter, from what is durable.

import { createHash } from 'node:crypto';
import type { SessionInfo, WebSocketShard } from '@discordjs/ws';
import type { APIGatewayBotInfo, GatewayDispatchPayload } from 'discord-api-types/v10';
import { z } from 'zod';
import { failure, SigilError } from '../../errors.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { ConnectionOptions, KeptText } from '../connection-options.ts';
import { closedForGood, gone } from './failures.ts';

type Library = typeof import('@discordjs/ws');
/** How long the library may take to take a broken connection up again, in milliseconds. */
const RESUME = 15_000;
/** How long the gateway may take over the first connection, in milliseconds. */
const CONNECT = 30_000;
/** How long the gateway may take to close what was ended, in milliseconds. */
const CLOSE = 1_000;
/** Between two keepings, in milliseconds: what came since comes again after a crash, and is known. */
const KEEP = 1_000;
/** Threads that are known, so that what is said in them is known to belong to their channel. */
const THREADS = 10_000;

/** What outlives a connection: a session Discord keeps for some minutes, and the threads it told of when it began. */
export interface Kept {
  session: SessionInfo | null;
  readonly threads: BoundedMap<string, string>;
}

/** By what a token stands for, not the token. They live as long as this thread does; what is kept on disk is behind by a moment. */
const broken = new BoundedMap<string, Kept>(64);

/** As it lies on disk. */
const onDisk = z.object({
  of: z.string(),
  session: z.object({
    sequence: z.number(),
    sessionId: z.string(),
    resumeURL: z.string(),
    shardId: z.number(),
    shardCount: z.number(),
  }),
  threads: z.array(z.tuple([z.string(), z.string()])).max(THREADS),
});

/** What an earlier life of the gateway has kept of a token's session; null when there is none that can be read. */
function readKept(text: string | null, of: string): Kept | null {
  if (text === null) return null;
  try {
    const { session, threads, of: whose } = onDisk.parse(JSON.parse(text));
    if (whose !== of) return null;
    const known = new BoundedMap<string, string>(THREADS);
    for (const [thread, channel] of threads) known.set(thread, channel);
    return { session, threads: known };
  } catch {
    return null;
  }
}

/** As much of the library's web socket as is used; it is its own. */
interface Socket {
  on(event: 'error', listener: () => void): unknown;
  pause(): void;
  resume(): void;
  terminate(): void;
}

export interface GatewayOptions {
  readonly library: Library;
  readonly world: ConnectionOptions['world'];
  readonly token: string;
  readonly api: string;
  readonly intents: number;
  readonly information: APIGatewayBotInfo;
  /** Where the session is kept for the next life of the gateway. */
  readonly kept?: KeptText | undefined;
  readonly heard: (payload: GatewayDispatchPayload) => void;
  /** It ended by itself; told once, after it stood. */
  readonly lost: (reason: SigilError) => void;
}

export class Gateway {
  readonly #options: GatewayOptions;
  readonly #key: string;
  #kept: Kept;
  readonly #shard: WebSocketShard;
  /** Numbers of events that are being taken, oldest first. */
  readonly #taking = new Set<number>();
  readonly #failed = Promise.withResolvers<never>();
  #stood = false;
  #resumes = false;
  #ready = false;
  #ended = false;
  #resuming: () => void = () => undefined;
  #cancelKeep: (() => void) | null = null;

  constructor(options: GatewayOptions) {
    this.#options = options;
    const { library, token, api, intents, information } = options;
    this.#key = createHash('sha256').update(`${api} ${token}`).digest('hex');
    this.#kept = broken.get(this.#key) ?? { session: null, threads: new BoundedMap(THREADS) };
    const { WebSocketShard, DefaultWebSocketManagerOptions: defaults } = library;
    this.#shard = new WebSocketShard(
      {
        options: { ...defaults, token, intents, gatewayInformation: information, shardCount: 1 },
        // Asked for before each connection: after the end there is none, and the library has no other way to be told.
        retrieveSessionInfo: () => (this.#ended ? new Promise<never>(() => undefined) : this.#session()),
        updateSessionInfo: (_, session) => {
          if (this.#ended) return;
          this.#kept.session = session;
          this.#keepSoon();
        },
        waitForIdentify: async () => undefined,
      },
      0,
    );
    this.#failed.promise.catch(() => undefined);
  }

  get threads(): BoundedMap<string, string> {
    return this.#kept.threads;
  }

  async connect(signal: AbortSignal): Promise<void> {
    const { library, world, information, kept } = this.#options;
    if (kept !== undefined && this.#kept.session === null)
      this.#kept = readKept(await kept.read(), this.#key) ?? this.#kept;
    const { remaining, reset_after: reset } = information.session_start_limit;
    if (this.#kept.session === null && remaining === 0)
      throw new SigilError(
        failure('rate_limited', 'this bot has connected too often today', { retry_after_ms: reset }),
      );
    const shard = this.#shard;
    const { WebSocketShardEvents: events } = library;
    this.#resumes = this.#kept.session !== null;
    const stands = () => {
      this.#ready = true;
      this.#resuming();
    };
    shard.on(events.Ready, stands);
    shard.on(events.Resumed, stands);
    shard.on(events.Closed, (code) => this.#closed(code));
    shard.on(events.SocketError, () => this.#ready || this.#lost(gone('the gateway cannot be reached')));
    // It tells of what was closed for good, which the code has told already; without a listener it would end the thread.
    shard.on(events.Error, () => undefined);
    shard.on(events.Dispatch, (payload) => this.#options.heard(payload));
    const late = world.after(CONNECT, () => this.#lost(gone('the gateway does not answer')));
    const aborted = () => this.#lost(gone('it was stopped while it connected'));
    signal.addEventListener('abort', aborted, { once: true });
    try {
      if (signal.aborted) aborted();
      await Promise.race([shard.connect(), this.#failed.promise]);
      // Kept before it counts as connected: who begins anew after a crash hears nothing of what was said meanwhile.
      await this.#keep();
      this.#stood = true;
    } finally {
      late();
      signal.removeEventListener('abort', aborted);
    }
  }

  /** An event is being taken; until it is, the session goes on before it. @returns to be called once it is */
  taking(sequence: number): () => void {
    this.#taking.add(sequence);
    return () => this.#taking.delete(sequence);
  }

  /** Nothing more is read, or it is again. */
  hold(full: boolean): void {
    const socket = this.#socket();
    if (full) socket?.pause();
    else socket?.resume();
  }

  /** @param keep whether Discord is to keep the session for who comes next */
  async end(keep: boolean): Promise<void> {
    if (this.#ended) return;
    const session = this.#session();
    this.#ended = true;
    this.#cancelKeep?.();
    this.#resuming();
    this.#failed.reject(gone('it was stopped'));
    const left = keep ? session : null;
    broken.set(this.#key, { ...this.#kept, session: left });
    const written = this.#write(left);
    const socket = this.#socket();
    // Without a listener an error of a socket that ends while it connects would end the thread.
    socket?.on('error', () => undefined);
    const cancel = this.#options.world.after(CLOSE, () => socket?.terminate());
    // With any other code than these Discord ends the session.
    await this.#shard.destroy({ code: keep ? 4_200 : 1_000, reason: 'stopped' }).catch(() => undefined);
    cancel();
    socket?.terminate();
    await written;
    this.#shard.removeAllListeners();
  }

  #keepSoon(): void {
    if (this.#options.kept === undefined || this.#cancelKeep !== null) return;
    this.#cancelKeep = this.#options.world.after(KEEP, () => {
      this.#cancelKeep = null;
      void this.#keep();
    });
  }

  async #keep(): Promise<void> {
    const session = this.#session();
    if (this.#ended || session === null) return;
    await this.#write(session);
  }

  async #write(session: SessionInfo | null): Promise<void> {
    const kept = { of: this.#key, session, threads: this.#kept.threads.entries() };
    await this.#options.kept?.write(session === null ? null : JSON.stringify(kept));
  }

  /** The session as far as all in it is durable. */
  #session(): SessionInfo | null {
    const { session } = this.#kept;
    const [first] = this.#taking;
    return session === null || first === undefined
      ? session
      : { ...session, sequence: Math.min(session.sequence, first - 1) };
  }

  #closed(code: number): void {
    if (this.#ended) return;
    this.#ready = false;
    const final = closedForGood(code);
    if (final !== null) {
      this.#kept.session = null;
      this.#lost(final);
      return;
    }
    // A session that is not there any more is answered with a new one, over a new connection.
    if (!this.#stood && !this.#resumes) this.#lost(gone('the gateway closed the connection'));
    else {
      this.#resuming();
      this.#resuming = this.#options.world.after(RESUME, () => this.#lost(gone('it could not be taken up again')));
    }
  }

  #lost(reason: SigilError): void {
    if (this.#ended) return;
    this.#failed.reject(reason);
    if (this.#stood) this.#options.lost(reason);
  }

  #socket(): Socket | null {
    const socket: unknown = Reflect.get(this.#shard, 'connection');
    return typeof socket === 'object' && socket !== null && 'terminate' in socket ? (socket as Socket) : null;
  }
}
