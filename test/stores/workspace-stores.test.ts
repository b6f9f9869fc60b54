// SPDX-License-Identifier: Apache-2.0
// The stores of workspaces held to their contracts: all in one process, and over the bus with the house's real threads.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { startThreads } from '../../bench/threads.ts';
import { address } from '../../src/bus/address.ts';
import { realWorld } from '../../src/composition/real-world.ts';
import { defaultConfig } from '../../src/config/schema.ts';
import { createReadStore, createSeqTracker } from '../../src/stores/remote/read-store.ts';
import { createSessionWriter } from '../../src/stores/remote/session-writer.ts';
import { createWorkspaceWriter } from '../../src/stores/remote/workspace-writer.ts';
import { openWorkspaceStores } from '../../src/stores/sqlite/workspace-stores.ts';
import { createWorkspaceMemory } from '../../src/stores/workspace-memory.ts';
import { createSessionStore } from '../../src/stores/workspace-sessions.ts';
import { threadEntry } from '../built.ts';
import { memoryContract } from './memory-contract.ts';
import { type OpenedSessions, sessionContract } from './session-contract.ts';
import { dumpRebuilt, dumpViews } from './store-house.ts';

const made: string[] = [];
function newDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'sigil-stores-'));
  made.push(dir);
  return dir;
}
afterAll(() => {
  for (const dir of made) rmSync(dir, { recursive: true, force: true });
});
const base = defaultConfig();
const config = { storage: { ...base.storage, durability: 'normal' as const }, sessions: base.sessions };

describe('in one process', () => {
  const dir = newDir();
  memoryContract(async () => openWorkspaceStores(config, dir), 1_000);
  const openSessions = (at: string): OpenedSessions => {
    const stores = openWorkspaceStores(config, at);
    return {
      sessions: stores.sessions,
      close: () => stores.close(),
      again: async () => {
        await stores.close();
        return openSessions(at);
      },
    };
  };
  sessionContract(async () => openSessions(newDir()));

  it('leave views that are the same when they are made anew', () => {
    const views = dumpViews(dir);
    expect(Object.keys(views)).toContain('workspaces/ws%3A1/memory.db messages');
    expect(dumpRebuilt(dir)).toEqual(views);
  });
});

describe('over the bus', () => {
  memoryContract(async () => {
    const data_dir = newDir();
    const { context, stop } = await startThreads({ layout: { lanes: 1, io: 1 }, config: base, data_dir }, threadEntry);
    const seen = createSeqTracker();
    seen.began(0);
    const { bus } = context;
    const from = address('channel', 'http');
    const read = createReadStore({ bus, from, seen });
    const writer = createWorkspaceWriter({ bus, from, seen });
    const { now, uuid } = realWorld;
    return { memory: createWorkspaceMemory({ writer, read, now, uuid }), close: stop };
  }, 20);

  const openSessions = async (data_dir: string): Promise<OpenedSessions> => {
    const { context, stop } = await startThreads({ layout: { lanes: 2, io: 1 }, config: base, data_dir }, threadEntry);
    const seen = createSeqTracker();
    const { bus } = context;
    const from = address('channel', 'http');
    const read = createReadStore({ bus, from, seen });
    const sessions = createSessionStore({ writer: createSessionWriter({ bus, from, seen }), read, now: realWorld.now });
    return {
      sessions,
      close: stop,
      again: async () => {
        await stop();
        return await openSessions(data_dir);
      },
    };
  };
  sessionContract(() => openSessions(newDir()));
});

describe('opening', () => {
  it('refuses a backend there is not, naming those there are', () => {
    const wrong = {
      ...config,
      storage: { ...config.storage, memory: { ...config.storage.memory, backend: 'postgres' } },
    };
    expect(() => openWorkspaceStores(wrong as never, newDir())).toThrow(
      /storage\.memory\.backend is "postgres".*sqlite/,
    );
  });

  it('refuses a directory that is in use, until it is let go', async () => {
    const dir = newDir();
    const first = openWorkspaceStores(config, dir);
    expect(() => openWorkspaceStores(config, dir)).toThrow(/in use by process/);
    await first.sessions.close();
    expect(() => openWorkspaceStores(config, dir)).toThrow(/in use by process/);
    await first.memory.close();
    await first.vectors.close();
    await openWorkspaceStores(config, dir).close();
  });

  it('gives vectors of each workspace, apart, and again when it is opened again', async () => {
    const dir = newDir();
    const vector = (at: number): Float32Array =>
      Float32Array.from({ length: 384 }, (_, index) => (index === at ? 1 : 0));
    const item = (id: string, at: number) => ({
      ...({
        id,
        source: 'note',
        ref: id,
        session_id: '',
        user_id: 'ada',
        created_at: 0,
        metadata: {},
        text: id,
      } as const),
      vector: vector(at),
    });
    const first = openWorkspaceStores(config, dir);
    await first.vectors.of('home').put([item('a', 1), item('b', 2)]);
    await first.vectors.of('elsewhere').put([item('c', 1)]);
    expect(() => first.vectors.of('../home')).toThrow(/not an id of a workspace/);
    await first.close();
    const again = openWorkspaceStores(config, dir);
    const found = async (workspace: string) =>
      (await again.vectors.of(workspace).search(vector(1), 1)).map(({ id, score }) => [id, score]);
    expect([await found('home'), await found('elsewhere')]).toEqual([[['a', 1]], [['c', 1]]]);
    expect(await again.vectors.of('home').delete(['a', 'nothing'])).toBe(1);
    expect((await again.vectors.of('home').search(vector(1), 9)).map(({ id }) => id)).toEqual(['b']);
    await again.close();
  });

  it('refuses what is no workspace', async () => {
    const stores = openWorkspaceStores(config, newDir());
    const { messages } = stores.memory;
    const message = { id: 'm', sessionId: 's', role: 'user', content: 'x' } as const;
    await expect(messages.append('../home', message)).rejects.toThrow(/not an id of a workspace/);
    expect(await messages.count('../home')).toBe(0);
    await stores.close();
  });

  it('deletes a session with what memory has of it', async () => {
    const stores = openWorkspaceStores(config, newDir());
    const { sessions, memory } = stores;
    await sessions.create({ id: 's1', workspaceId: 'home', userId: 'ada' });
    await sessions.append('s1', { id: 'm1', role: 'user', content: 'a walrus' });
    await memory.summaries.store('home', {
      ...{ id: 'u1', sessionId: 's1', content: 'about a walrus', messageIds: ['m1'] },
      ...{ fromTime: new Date(0), toTime: new Date(1) },
    });
    expect((await memory.messages.search('home', 'walrus')).items[0]?.message.userId).toBe('ada');
    await sessions.delete('s1');
    expect((await memory.messages.search('home', 'walrus')).items).toEqual([]);
    expect(await memory.messages.count('home')).toBe(0);
    expect(await memory.summaries.latest('home', 9)).toEqual([]);
    await stores.close();
  });
});
