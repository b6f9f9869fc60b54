// SPDX-License-Identifier: Apache-2.0
// What T2 is held against: bare state charts on one worker, bare group commit on another, two durable rows and twenty deltas a turn.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, MessageChannel, type MessagePort, Worker, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { type Actor, createActor, setup } from 'xstate';

type Role = { readonly role: 'lanes' | 'journal'; readonly port: MessagePort; readonly driver?: MessagePort; readonly file: string };
type Row = readonly [session: number, payload: string];

const lane = setup({ types: {} as { events: { type: 'received' } | { type: 'replied' } | { type: 'written' } } }).createMachine({
  initial: 'idle',
  states: {
    idle: { on: { received: 'calling' } },
    calling: { on: { replied: 'writing' } },
    writing: { on: { written: 'idle' } },
  },
});

/** Collects what is sent in one turn of the loop and posts it as one array. */
function batched<T>(port: MessagePort): (item: T) => void {
  let batch: T[] = [];
  return (item) => {
    if (batch.length === 0) {
      setImmediate(() => {
        const out = batch;
        batch = [];
        port.postMessage(out);
      });
    }
    batch.push(item);
  };
}

function runJournal({ port, file }: Role): void {
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec('CREATE TABLE records (seq INTEGER PRIMARY KEY, session INTEGER NOT NULL, payload TEXT NOT NULL) STRICT');
  const insert = db.prepare('INSERT INTO records (session, payload) VALUES (?, ?)');
  const commit = db.transaction((rows: readonly Row[]) => {
    for (const row of rows) insert.run(...row);
  });
  let waiting: Row[] = [];
  port.on('message', (rows: readonly Row[]) => {
    if (waiting.length === 0) {
      setImmediate(() => {
        const group = waiting;
        waiting = [];
        commit(group);
        port.postMessage(group.map(([session]) => session));
      });
    }
    waiting.push(...rows);
  });
}

function runLanes({ port, driver }: Role): void {
  if (driver === undefined) throw new Error('lanes need a driver');
  const lanes = new Map<number, Actor<typeof lane>>();
  const append = batched<Row>(port);
  const tell = batched<readonly [number, string]>(driver);
  const words = 'this is one reply of ordinary length as a model would stream it word after word until it comes to its end'.split(' ').slice(0, 20);
  driver.on('message', (sessions: readonly number[]) => {
    for (const session of sessions) {
      let actor = lanes.get(session);
      if (actor === undefined) {
        actor = createActor(lane);
        actor.start();
        lanes.set(session, actor);
      }
      append([session, JSON.stringify({ type: 'message_received', message_id: `m-${session}`, content: 'hello there' })]);
    }
  });
  port.on('message', (sessions: readonly number[]) => {
    for (const session of sessions) {
      const actor = lanes.get(session);
      if (actor === undefined) continue;
      if (actor.getSnapshot().value === 'idle') {
        actor.send({ type: 'received' });
        let text = '';
        for (const word of words) {
          tell([session, word]);
          text += `${word} `;
        }
        actor.send({ type: 'replied' });
        append([session, JSON.stringify({ type: 'turn_finished', content: text })]);
      } else {
        actor.send({ type: 'written' });
        tell([session, '']);
      }
    }
  });
}

if (!isMainThread) {
  const boot = workerData as Role;
  if (boot.role === 'journal') runJournal(boot);
  else if (boot.role === 'lanes') runLanes(boot);
}

/** Durable turns a second of the bare skeleton. */
export async function bareTurns(sessions: number, turns: number): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'sigil-bare-'));
  const between = new MessageChannel();
  const driver = new MessageChannel();
  const entry = new URL(import.meta.url);
  const file = join(dir, 'journal.db');
  const journal = new Worker(entry, { workerData: { role: 'journal', port: between.port2, file }, transferList: [between.port2] });
  const lanes = new Worker(entry, {
    workerData: { role: 'lanes', port: between.port1, driver: driver.port2, file },
    transferList: [between.port1, driver.port2],
  });
  const send = batched<number>(driver.port1);
  let left = turns;
  let running = 0;
  const began = performance.now();
  await new Promise<void>((resolve) => {
    const next = (session: number): void => {
      if (left === 0) return;
      left -= 1;
      running += 1;
      send(session);
    };
    driver.port1.on('message', (events: readonly (readonly [number, string])[]) => {
      for (const [session, word] of events) {
        if (word !== '') continue;
        running -= 1;
        next(session);
      }
      if (left === 0 && running === 0) resolve();
    });
    for (let session = 0; session < sessions; session += 1) next(session);
  });
  const seconds = (performance.now() - began) / 1_000;
  driver.port1.close();
  await Promise.all([journal.terminate(), lanes.terminate()]);
  rmSync(dir, { recursive: true });
  return turns / seconds;
}
