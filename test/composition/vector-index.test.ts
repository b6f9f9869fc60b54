// SPDX-License-Identifier: Apache-2.0
// A workspace's vector index as the read thread hosts it: real files and the real scan, with the bus and the clock in the test's hands.

import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Residents } from '../../src/actors/residents.ts';
import type { VectorIndexStatus } from '../../src/actors/vector-index/protocol.ts';
import { address } from '../../src/bus/address.ts';
import type { Envelope } from '../../src/bus/envelope.ts';
import { Actors } from '../../src/composition/actors.ts';
import type { ThreadContext } from '../../src/composition/context.ts';
import { realWorld } from '../../src/composition/real-world.ts';
import { hostVectorIndexes } from '../../src/composition/vector-index.ts';
import { hash384 } from '../../src/embeddings/hash-384.ts';
import { type Failure, failure } from '../../src/errors.ts';
import { putAside } from '../../src/stores/sqlite/damaged.ts';
import type { Embedded } from '../../src/stores/sqlite/embedding-pump.ts';
import { VectorsWriter } from '../../src/stores/sqlite/vectors-writer.ts';
import type { VectorModel, VectorResult } from '../../src/stores/vector-store.ts';
import { codeOf } from '../stores/manual-clock.ts';
import { SessionLog } from '../stores/session-log.ts';
import { StoreHouse } from '../stores/store-house.ts';
import { itemOf } from '../stores/vectors/contract.ts';
import { scratch } from '../stores/vectors/stores.ts';

type Answer = { readonly body?: unknown; readonly error?: Failure };

const MODEL: VectorModel = { name: hash384.id, dimensions: hash384.dimensions };
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A read thread with nothing but indexes; what it waits for is run by hand. */
function readThread(dataDir = scratch()) {
  const later: { readonly ms: number; readonly run: () => void }[] = [];
  const soon: (() => void)[] = [];
  const world = {
    ...realWorld,
    after: (ms: number, run: () => void) => {
      later.push({ ms, run });
      return () => undefined;
    },
    soon: (run: () => void) => void soon.push(run),
  };
  const residents = new Residents({
    thread: 'read',
    world,
    mailbox_capacity: 8,
    mailbox: () => ({ depth: 0, oldest_ms: 0 }),
    trace: { heard: () => false, publish: () => undefined },
  });
  const answers = new Map<number, Answer>();
  const embedder = { fails: false, asked: 0 };
  let receive: (envelope: Envelope) => void = () => undefined;
  const bus = {
    host: (_: string, receiver: typeof receive) => {
      receive = receiver;
    },
    reply: ({ id }: Envelope, body: unknown) => void answers.set(id, { body }),
    fail: ({ id }: Envelope, error: Failure) => void answers.set(id, { error }),
    ended: () => undefined,
    undeliverable: () => undefined,
    send: () => true,
    ask: (
      _to: string,
      _type: string,
      body: { texts: string[] },
      _options: object,
      answered: (answer: object) => void,
    ) => {
      embedder.asked += 1;
      const error = failure('thread_lost', 'the worker died');
      soon.push(() =>
        answered(embedder.fails ? { ok: false, error } : { ok: true, body: { vectors: hash384.embed(body.texts) } }),
      );
    },
  };
  const faults: Failure[] = [];
  const context = {
    house: { data_dir: dataDir },
    name: 'read',
    world,
    bus,
    residents,
    fault: (_: string, error: Failure) => void faults.push(error),
  } as unknown as ThreadContext;
  const actors = new Actors(context);
  const indexes = hostVectorIndexes(context, actors);
  closing.push(() => {
    actors.stop();
    indexes.close();
  });
  let id = 0;
  const run = (): void => {
    for (let next = soon.shift(); next !== undefined; next = soon.shift()) next();
  };
  const send = (type: string, body: unknown, workspace = 'home'): number => {
    id += 1;
    receive({ id, to: address('vector-index', workspace), from: address('thread', 'main'), type, body });
    return id;
  };
  const file = join(dataDir, 'workspaces', 'home', 'vectors.db');
  return {
    faults,
    embedder,
    later,
    file,
    run,
    send,
    residents,
    answer: (of: number) => answers.get(of),
    /** Asks and does whatever there is to do. */
    ask: (type: string, body: unknown, workspace?: string): Answer => {
      const asked = send(type, body, workspace);
      run();
      return answers.get(asked) ?? {};
    },
    writer: (model = MODEL): VectorsWriter => {
      const writer = new VectorsWriter(file, model);
      closing.push(() => writer.close());
      return writer;
    },
  };
}

const resultsOf = ({ body }: Answer): readonly VectorResult[] => (body as { results: readonly VectorResult[] }).results;
const idsOf = (answer: Answer): readonly string[] => resultsOf(answer).map(({ id }) => id);
const statusOf = ({ body }: Answer): VectorIndexStatus => body as VectorIndexStatus;

function put(writer: VectorsWriter, texts: readonly string[]): void {
  const vectors = hash384.embed(texts);
  writer.putEmbedded(
    texts.map((text, at) => {
      const vector = vectors.slice(at * 384, (at + 1) * 384);
      return itemOf(`i-${at}`, vector, { text, user_id: `u-${at % 2}` });
    }),
  );
}

describe('the index of a workspace', () => {
  it('finds nothing where nothing was ever put', () => {
    const thread = readThread();
    expect(idsOf(thread.ask('vector.search', { query: 'keys', k: 3 }))).toEqual([]);
    expect(thread.embedder.asked).toBe(0);
    expect(statusOf(thread.ask('vector.status', {}))).toMatchObject({ state: 'ready', place: 'file', searches: 1 });
  });

  it('finds by text and by vector, filtered, and says what is wrong with a question', () => {
    const thread = readThread();
    put(thread.writer(), ['the spare keys', 'the old keyboard', 'a red bicycle']);
    expect(idsOf(thread.ask('vector.search', { query: 'where are my keys', k: 1 }))).toEqual(['i-0']);
    const query = hash384.embed(['bicycles']);
    expect(idsOf(thread.ask('vector.search', { query, k: 1 }))).toEqual(['i-2']);
    expect(idsOf(thread.ask('vector.search', { query, k: 9, filter: { user_id: 'u-1' } }))).toEqual(['i-1']);
    expect(thread.ask('vector.search', { query, k: 0 }).error?.code).toBe('validation_failed');
    expect(thread.ask('vector.search', { query: new Float32Array(5), k: 1 }).error?.message).toContain('384');
    expect(thread.ask('vector.search', { query, k: 1 }, '../up').error?.code).toBe('validation_failed');
    thread.embedder.fails = true;
    expect(thread.ask('vector.search', { query: 'keys', k: 1 }).error?.code).toBe('thread_lost');
    expect(thread.faults).toEqual([]);
  });

  it('answers before it has loaded, and from memory afterwards', () => {
    const thread = readThread();
    put(
      thread.writer(),
      Array.from({ length: 2_100 }, (_, at) => `note ${at} about ${at % 7 === 0 ? 'gardens' : 'trains'}`),
    );
    const query = hash384.embed(['note 14 about gardens']);
    const first = thread.send('vector.search', { query, k: 5 });
    // Nothing has been loaded yet, and it is answered.
    const before = resultsOf(thread.answer(first) ?? {});
    expect(before[0]?.id).toBe('i-14');
    const early = thread.send('vector.status', {});
    expect(statusOf(thread.answer(early) ?? {})).toMatchObject({ state: 'loading', place: 'file' });
    thread.run();
    expect(statusOf(thread.ask('vector.status', {}))).toMatchObject({ state: 'ready', place: 'memory' });
    expect(resultsOf(thread.ask('vector.search', { query, k: 5 }))).toEqual(before);
  });

  it('follows a change of the model', () => {
    const thread = readThread();
    const old = new VectorsWriter(thread.file, { name: 'acme/old', dimensions: 2 });
    old.putEmbedded([itemOf('i-0', Float32Array.of(1, 0), { text: 'the spare keys' })]);
    old.close();
    expect(idsOf(thread.ask('vector.search', { query: Float32Array.of(1, 1), k: 3 }))).toEqual(['i-0']);
    const writer = thread.writer();
    thread.send('vector.filling', { filling: writer.filling() });
    expect(statusOf(thread.ask('vector.status', {}))).toMatchObject({ state: 'reindexing', filling: { model: MODEL } });
    expect(idsOf(thread.ask('vector.search', { query: Float32Array.of(1, 1), k: 3 }))).toEqual(['i-0']);
    const missing = writer.missing();
    if (missing === undefined) throw new Error('everything is missing');
    expect(writer.fill(missing, hash384.embed(['the spare keys']))).toBe(true);
    thread.send('vector.filling', { filling: null });
    expect(idsOf(thread.ask('vector.search', { query: 'spare key', k: 3 }))).toEqual(['i-0']);
    expect(statusOf(thread.ask('vector.status', {}))).toMatchObject({ state: 'ready', filling: null });
  });

  it('says what is wrong with its file, and tries again', () => {
    const thread = readThread();
    mkdirSync(join(thread.file, '..'), { recursive: true });
    writeFileSync(thread.file, 'this is no database, and long enough to be read as one: '.repeat(200));
    expect(thread.ask('vector.search', { query: Float32Array.of(1), k: 1 }).error?.code).toBe('storage_failed');
    expect(statusOf(thread.ask('vector.status', {}))).toMatchObject({
      state: 'failed',
      last_error: { code: 'storage_failed' },
    });
    writeFileSync(thread.file, '');
    expect(thread.later.map(({ ms }) => ms)).toEqual([1_000]);
    thread.later[0]?.run();
    thread.run();
    expect(statusOf(thread.ask('vector.status', {}))).toMatchObject({ state: 'ready', last_error: null });
  });

  it('searches the file that was made anew in the place of a damaged one, in memory too', () => {
    const thread = readThread();
    const many = (what: string) => Array.from({ length: 2_100 }, (_, at) => `${what} ${at}`);
    const old = new VectorsWriter(thread.file, MODEL);
    put(old, many('the old note'));
    old.close();
    const query = hash384.embed(['the note 7']);
    thread.ask('vector.search', { query, k: 3 });
    expect(statusOf(thread.ask('vector.status', {}))).toMatchObject({ place: 'memory' });
    putAside(thread.file);
    put(thread.writer(), many('the new note').reverse());
    const results = resultsOf(thread.ask('vector.search', { query, k: 3 }));
    expect(results.map(({ text }) => text)).toContain('the new note 7');
    expect(results.every(({ text }) => text.startsWith('the new note'))).toBe(true);
    expect(resultsOf(thread.ask('vector.search', { query, k: 3 }))).toEqual(results);
  });

  it('finds nothing of what the journal has lost to a power cut', () => {
    const before = new StoreHouse();
    const house = new StoreHouse();
    closing.push(() => before.remove());
    closing.push(() => house.remove());
    const vectors = ({ clock }: StoreHouse) => ({
      model: MODEL,
      embed: ({ texts }: { texts: readonly string[] }, answered: (answer: Embedded) => void) =>
        clock.soon(() => answered({ ok: true, vectors: hash384.embed(texts) })),
      filling: () => undefined,
    });
    const openBefore = () => before.openJournal().openViews({ vectors: vectors(before) });
    openBefore();
    const log = new SessionLog('s1', 'home');
    before.append(log.create(), log.next(log.receive('the spare keys are in the shed')));
    before.clock.advance(5_000);
    before.close();
    cpSync(join(before.dir, 'journal.db'), join(house.dir, 'journal.db'));
    openBefore();
    before.append(log.next(log.receive('the spare keys are in the car')));
    before.clock.advance(5_000);
    before.close();
    const file = join('workspaces', 'home', 'vectors.db');
    cpSync(join(before.dir, file), join(house.dir, file));
    const thread = readThread(house.dir);
    const body = { query: hash384.embed(['where are the spare keys']), k: 9 };
    // Nobody has looked after it yet, so it can only be refused.
    expect(thread.ask('vector.search', body).error?.code).toBe('view_behind');
    const status = statusOf(thread.ask('vector.status', {}));
    expect(status).toMatchObject({ state: 'failed', last_error: { code: 'view_behind' } });
    house.openJournal().openReader();
    const items = { workspace_id: 'home', user_id: log.user, page: { limit: 9 } };
    const asked = house.asks('vectors.items', items, 0);
    house.clock.settle();
    expect(codeOf(asked)).toBe('view_behind');
    house.openViews({ vectors: vectors(house) });
    house.clock.advance(60_000);
    expect(resultsOf(thread.ask('vector.search', body)).map(({ text }) => text)).toEqual([
      'the spare keys are in the shed',
    ]);
    expect(house.read('vectors.items', items).items).toHaveLength(1);
  });

  it('does not begin because of news alone, and ends when there are too many that hold nothing', () => {
    const thread = readThread();
    thread.send('vector.filling', { filling: null });
    expect(thread.residents.size).toBe(0);
    for (let at = 0; at < 300; at += 1) thread.ask('vector.search', { query: 'keys', k: 1 }, `w-${at}`);
    expect(thread.residents.size).toBeLessThanOrEqual(256);
    expect(thread.faults).toEqual([]);
  });
});
