// SPDX-License-Identifier: Apache-2.0
// All stores of workspaces over one data directory in one thread: journal, views and reader together, without a gateway.

import { join } from 'node:path';
import { v7 } from 'uuid';
import type { Config } from '../../config/schema.ts';
import { failure, SigilError } from '../../errors.ts';
import type { SessionStore } from '../conversation-store.ts';
import type { Append, Committed, Tail } from '../journal.ts';
import type { MemoryStore } from '../memory-store.ts';
import type { Request } from '../request.ts';
import type { ReadProtocol, ReadQueries, ReadQuery, ReadStore } from '../session-store.ts';
import { SessionStreams } from '../session-streams.ts';
import type { Outcome } from '../stream-owner.ts';
import { createWorkspaceMemory } from '../workspace-memory.ts';
import { createSessionStore } from '../workspace-sessions.ts';
import { WorkspaceStream, type WorkspaceWriter } from '../workspace-writer.ts';
import { prepareDataDir } from './data-dir.ts';
import { acquireLock } from './lock.ts';
import { openJournal, openReader, openViews, type StoreClock } from './open.ts';
import { isWorkspaceId } from './workspace-path.ts';

/** What of the configuration the stores go by. */
export type StoresConfig = Pick<Config, 'storage'> & { readonly sessions?: Config['sessions'] };

/** Everything that belongs to workspaces. Vectors have their place beside these. */
export interface WorkspaceStores {
  readonly sessions: SessionStore;
  readonly memory: MemoryStore;
  /** Ends all of them, and lets go of the directory. */
  close(): Promise<void>;
}

/** The part of the world that the stores use. */
export interface StoresWorld extends StoreClock {
  /** Epoch milliseconds. */
  now(): number;
  uuid(): string;
}

/** Backends there are. */
const BACKENDS: readonly string[] = ['sqlite'];
/** Messages of a folded window where the configuration says nothing. */
const WINDOW = 20;
/** Workspaces whose writer is kept; one with nothing to do is made anew when it is needed. */
const WRITERS_MOST = 256;

const PLAIN_WORLD: StoresWorld = {
  now: () => Date.now(),
  uuid: () => v7(),
  monotonic: () => performance.now(),
  soon: (run) => void setImmediate(run),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * Opens the stores of a data directory that no gateway runs on: for tools, tests and commands that work offline.
 *
 * @throws SigilError `validation_failed` for a backend there is not, naming those there are; `conflict` when a gateway has
 * the directory; `storage_failed`.
 */
export function openWorkspaceStores(config: StoresConfig, path: string, world = PLAIN_WORLD): WorkspaceStores {
  checkBackends(config);
  prepareDataDir(path);
  const lock = acquireLock(join(path, 'gateway.lock'), {
    pid: process.pid,
    url: null,
    socket: '',
    started_at: new Date(world.now()).toISOString(),
  });
  if (!lock.ok) {
    const by = lock.holder === null ? 'another process' : `process ${lock.holder.pid}`;
    throw new SigilError(failure('conflict', `${path} is in use by ${by}; stop it, or ask it instead`));
  }
  try {
    return openParts(config, path, world, () => lock.release());
  } catch (thrown) {
    lock.release();
    throw thrown;
  }
}

function checkBackends({ storage }: StoresConfig): void {
  const chosen = { session: storage.session.backend, memory: storage.memory.backend };
  for (const [store, backend = storage.backend] of Object.entries(chosen)) {
    if (BACKENDS.includes(backend)) continue;
    const message = `storage.${store}.backend is ${JSON.stringify(backend)}; there is ${BACKENDS.join(', ')}`;
    throw new SigilError(failure('validation_failed', message));
  }
}

function openParts(
  { storage, sessions }: StoresConfig,
  dataDir: string,
  world: StoresWorld,
  closed: () => void,
): WorkspaceStores {
  const none = { reply: () => undefined, fail: () => undefined };
  const reader = openReader({
    dataDir,
    clock: world,
    hurry: (upto, projection) => views.handlers['views.hurry']({ body: { upto, projection }, ...none }),
  });
  const views = openViews({
    dataDir,
    clock: world,
    advanced: (upto, projection) => reader.handlers['read.advanced']({ body: { upto, projection } }),
  });
  const journal = openJournal({
    dataDir,
    durability: storage.durability,
    clock: world,
    notify: (upto) => views.handlers['views.wake']({ body: { upto }, ...none }),
  });
  const streams = {
    append: (body: Append, answered: (outcome: Outcome<Committed>) => void) =>
      journal.handlers['journal.append'](requestOf(body, answered)),
    tail: (stream: string, answered: (outcome: Outcome<Tail>) => void) =>
      journal.handlers['journal.tail'](requestOf({ stream }, answered)),
    now: () => world.now(),
    after: (ms: number, run: () => void) => world.after(ms, run),
  };
  const read: ReadStore = {
    read: <Q extends ReadQuery>(query: Q, body: ReadQueries[Q]['body'], barrier = { after: journal.seq() }) =>
      new Promise<ReadQueries[Q]['reply']>((resolve, reject) => {
        // One handler for every query, each with its own body: the compiler cannot follow which belongs to which.
        const handler = reader.handlers[query] as (
          request: Request<ReadProtocol[Q]['body'], ReadProtocol[Q]['reply']>,
        ) => void;
        handler({
          body: { ...body, ...barrier },
          reply: resolve,
          fail: (error) => reject(new SigilError(error)),
        });
      }),
  };
  const writers = new Map<string, WorkspaceStream>();
  const writer = localWriter(writers, (workspace_id) => {
    return new WorkspaceStream({
      ...streams,
      workspace_id,
      known: ({ after, ...asked }, answered) =>
        void read.read('memory.known', asked, { after }).then(
          ({ known }) => answered({ ok: true, body: known }),
          (thrown: unknown) => answered({ ok: false, error: (thrown as SigilError).failure }),
        ),
    });
  });
  const sessionStreams = new SessionStreams({
    ...streams,
    window: sessions?.memory.active_window ?? WINDOW,
  });
  /** Stores that are still used: what they share ends with the last of them. */
  const used = new Set(['sessions', 'memory']);
  const closing = (store: string) => (): Promise<void> => {
    if (used.delete(store) && used.size === 0) {
      sessionStreams.close();
      for (const stream of writers.values()) stream.stop();
      reader.close();
      views.close();
      journal.close();
      closed();
    }
    return Promise.resolve();
  };
  const now = (): number => world.now();
  const kept = createSessionStore({ streams: sessionStreams, read, now });
  const close = closing('memory');
  const stores = {
    sessions: { ...kept, close: closing('sessions') },
    memory: createWorkspaceMemory({ writer, read, now, uuid: () => world.uuid(), close }),
  };
  return {
    ...stores,
    close: async () => {
      for (const store of Object.values(stores)) await store.close();
    },
  };
}

/** A question whose answer is an outcome. */
function requestOf<B, R>(body: B, answered: (outcome: Outcome<R>) => void): Request<B, R> {
  return {
    body,
    reply: (reply) => answered({ ok: true, body: reply }),
    fail: (error) => answered({ ok: false, error }),
  };
}

/** The writers of this thread, one for each workspace. */
function localWriter(
  writers: Map<string, WorkspaceStream>,
  make: (workspace_id: string) => WorkspaceStream,
): WorkspaceWriter {
  return {
    write: (write) =>
      new Promise((resolve, reject) => {
        const { workspace_id } = write;
        if (!isWorkspaceId(workspace_id)) {
          const says = `${JSON.stringify(workspace_id)} is not an id of a workspace`;
          return reject(new SigilError(failure('validation_failed', says)));
        }
        const stream = writers.get(workspace_id) ?? make(workspace_id);
        writers.set(workspace_id, stream);
        stream.write(write, (outcome) => {
          for (const [id, held] of writers) {
            if (writers.size <= WRITERS_MOST) break;
            if (held.idle) writers.delete(id);
          }
          if (outcome.ok) resolve(outcome.body.seq);
          else reject(new SigilError(outcome.error));
        });
      }),
  };
}
