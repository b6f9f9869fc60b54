// SPDX-License-Identifier: Apache-2.0
// All stores of workspaces over one data directory in one thread: journal, views and reader together, without a gateway.

import { join } from 'node:path';
import { v7 } from 'uuid';
import type { Config } from '../../config/schema.ts';
import { failure, SigilError } from '../../errors.ts';
import type { SessionStore } from '../conversation-store.ts';
import type { MemoryStore } from '../memory-store.ts';
import { createWorkspaceMemory } from '../workspace-memory.ts';
import { createSessionStore } from '../workspace-sessions.ts';
import { prepareDataDir } from './data-dir.ts';
import { openLocalVectors, type WorkspaceVectors } from './local-vectors.ts';
import { acquireLock } from './lock.ts';
import { openOneThread } from './one-thread.ts';
import type { StoreClock } from './open.ts';

/** What of the configuration the stores go by. */
export type StoresConfig = Pick<Config, 'storage'> & { readonly sessions?: Config['sessions'] };

/** Everything that belongs to workspaces. */
export interface WorkspaceStores {
  readonly sessions: SessionStore;
  readonly memory: MemoryStore;
  readonly vectors: WorkspaceVectors;
  /** Ends all of them, and lets go of the directory. */
  close(): Promise<void>;
}

/** The part of the world that the stores use. */
export interface StoresWorld extends StoreClock {
  /** Epoch milliseconds. */
  now(): number;
  uuid(): string;
}

/** Backends there are, of each store. */
const BACKENDS = { session: ['sqlite'], memory: ['sqlite'], vector: ['sqlite_vec'] } as const;
/** What vectors are of where the configuration says nothing. */
const MODEL = 'sigil/hash-384';
/** Messages of a folded window where the configuration says nothing. */
const WINDOW = 20;

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
  const { session, memory, vector } = storage;
  const chosen = { session: session.backend ?? storage.backend, memory: memory.backend ?? storage.backend };
  for (const [store, backend] of Object.entries({ ...chosen, vector: vector.backend })) {
    const known: readonly string[] = BACKENDS[store as keyof typeof BACKENDS];
    if (known.includes(backend)) continue;
    const message = `storage.${store}.backend is ${JSON.stringify(backend)}; there is ${known.join(', ')}`;
    throw new SigilError(failure('validation_failed', message));
  }
}

function openParts(
  { storage, sessions }: StoresConfig,
  dataDir: string,
  world: StoresWorld,
  closed: () => void,
): WorkspaceStores {
  const window = sessions?.memory.active_window ?? WINDOW;
  const parts = openOneThread({ dataDir, durability: storage.durability, window, world });
  const { read, writer } = parts;
  /** Stores that are still used: what they share ends with the last of them. */
  const used = new Set(['sessions', 'memory', 'vectors']);
  const closing = (store: string) => (): Promise<void> => {
    if (used.delete(store) && used.size === 0) {
      parts.close();
      closed();
    }
    return Promise.resolve();
  };
  const now = (): number => world.now();
  const kept = createSessionStore({ writer: parts.sessions, read, now });
  const close = closing('memory');
  const model = { name: sessions?.memory.embeddings.model ?? MODEL, dimensions: storage.vector.dimensions };
  const vectors = openLocalVectors(dataDir, model);
  const closeVectors = closing('vectors');
  const stores = {
    sessions: { ...kept, close: closing('sessions') },
    memory: createWorkspaceMemory({ writer, read, now, uuid: () => world.uuid(), close }),
    vectors: {
      ...vectors,
      close: async () => {
        await vectors.close();
        await closeVectors();
      },
    },
  };
  return {
    ...stores,
    close: async () => {
      for (const store of Object.values(stores)) await store.close();
    },
  };
}
