// SPDX-License-Identifier: Apache-2.0
// The stores of workspaces as their callers have them: in one process, and over the bus with real threads.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startThreads } from '../../bench/threads.ts';
import { address } from '../../src/bus/address.ts';
import { knownTypes } from '../../src/composition/known-types.ts';
import { realWorld } from '../../src/composition/real-world.ts';
import { loadConfig } from '../../src/config/load.ts';
import { type failure, SigilError } from '../../src/errors.ts';
import type { KeyValueStore, ValueQuota } from '../../src/stores/key-value-store.ts';
import type { KnowledgeStore } from '../../src/stores/knowledge-store.ts';
import { createKeyValueStore, type ValueAsk } from '../../src/stores/remote/key-value-store.ts';
import { createReadStore, createSeqTracker, type ReadAsk } from '../../src/stores/remote/read-store.ts';
import { createWorkspaceWriter } from '../../src/stores/remote/workspace-writer.ts';
import type { ReadStore } from '../../src/stores/session-store.ts';
import { openJournal, openReader, openViews } from '../../src/stores/sqlite/open.ts';
import type { Outcome } from '../../src/stores/stream-owner.ts';
import { createKnowledgeStore } from '../../src/stores/workspace-knowledge.ts';
import { WorkspaceStream, type WorkspaceWriter } from '../../src/stores/workspace-writer.ts';
import { threadEntry } from '../built.ts';
import { machine } from '../config/machine.ts';

export interface WorkspaceStores {
  readonly dir: string;
  readonly read: ReadStore;
  readonly writer: WorkspaceWriter;
  readonly knowledge: KnowledgeStore;
  readonly values: KeyValueStore;
  /** Ends them and removes their files. */
  close(): Promise<void>;
}

const from = address('thread', 'main');
const newDir = (): string => mkdtempSync(join(tmpdir(), 'sigil-stores-'));

type Asking = (to: string, type: string, body: unknown, options: unknown, answered: (outcome: never) => void) => void;

/** Everything on this thread, over real files and the real clock. */
export async function inOneProcess(dir = newDir(), quota?: ValueQuota): Promise<WorkspaceStores> {
  let woken: (upto: number) => void = () => undefined;
  const silent = { reply: () => undefined, fail: () => undefined };
  const journal = openJournal({ dataDir: dir, durability: 'normal', clock: realWorld, notify: (upto) => woken(upto) });
  const views = openViews({
    dataDir: dir,
    clock: realWorld,
    advanced: (upto, projection) => reader.handlers['read.advanced']({ body: { upto, projection } }),
    ...(quota === undefined ? {} : { quota }),
  });
  woken = (upto) => views.handlers['views.wake']({ body: { upto }, ...silent });
  const reader = openReader({
    dataDir: dir,
    clock: realWorld,
    hurry: (upto, projection) => views.handlers['views.hurry']({ body: { upto, projection }, ...silent }),
  });
  const handlers = new Map<string, (request: unknown) => void>(
    Object.entries({ ...journal.handlers, ...views.handlers, ...reader.handlers }) as never,
  );
  const ask = <B, R>(type: string, body: B, answered: (outcome: Outcome<R>) => void): void => {
    const handler = handlers.get(type);
    if (handler === undefined) throw new Error(`nobody answers ${type}`);
    handler({
      body: structuredClone(body),
      reply: (reply: R) => setImmediate(() => answered({ ok: true, body: structuredClone(reply) })),
      fail: (error: ReturnType<typeof failure>) => setImmediate(() => answered({ ok: false, error })),
    });
  };
  const streams = new Map<string, WorkspaceStream>();
  const streamOf = (workspace_id: string): WorkspaceStream => {
    const known = streams.get(workspace_id);
    if (known !== undefined) return known;
    const stream = new WorkspaceStream({
      workspace_id,
      append: (append, answered) => ask('journal.append', append, answered),
      tail: (stream, answered) => ask('journal.tail', { stream }, answered),
      known: (body, answered) =>
        ask<object, { known: boolean }>('memory.known', body, (outcome) =>
          answered(outcome.ok ? { ok: true, body: outcome.body.known } : outcome),
        ),
      now: () => realWorld.now(),
      after: (ms, run) => realWorld.after(ms, run),
    });
    streams.set(workspace_id, stream);
    return stream;
  };
  const seen = createSeqTracker();
  const writer: WorkspaceWriter = {
    write: (write) =>
      new Promise((resolve, reject) => {
        streamOf(write.workspace_id).write(write, (outcome) => {
          if (!outcome.ok) return reject(new SigilError(outcome.error));
          seen.note(outcome.body.seq);
          resolve(outcome.body.seq);
        });
      }),
  };
  const asking: Asking = (_to, type, body, _options, answered) => ask(type, body, answered as never);
  const read = createReadStore({ bus: { ask: asking } as unknown as ReadAsk, from, seen });
  return {
    dir,
    read,
    writer,
    knowledge: createKnowledgeStore({ writer, read }),
    values: createKeyValueStore({ bus: { ask: asking } as unknown as ValueAsk, from, read }),
    close: async () => {
      for (const stream of streams.values()) stream.stop();
      reader.close();
      views.close();
      journal.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** On the threads they have in the house. */
export async function overTheBus(dir = newDir()): Promise<WorkspaceStores> {
  const loaded = await loadConfig({ known: knownTypes, machine: machine(), flags: {} });
  if (!loaded.ok) throw new Error('the configuration is not valid');
  const layout = { lanes: 1, io: 1 };
  const { context, stop } = await startThreads({ layout, config: loaded.config, data_dir: dir }, threadEntry);
  const { bus } = context;
  const seen = createSeqTracker();
  const read = createReadStore({ bus, from, seen });
  const writer = createWorkspaceWriter({ bus, from, seen });
  return {
    dir,
    read,
    writer,
    knowledge: createKnowledgeStore({ writer, read }),
    values: createKeyValueStore({ bus, from, read }),
    close: async () => {
      await stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** The code of what a promise is rejected with; `ok` when it is not. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'ok';
  } catch (thrown) {
    return thrown instanceof SigilError ? thrown.failure.code : String(thrown);
  }
}
