// SPDX-License-Identifier: Apache-2.0
// What T2 is held against: bare state charts on one worker, bare group commit on another. The same model answers the same
// messages, the same work is made durable (five rows in two steps, of the same size) and the same deltas are told; there is
// nothing else: no bus, no fold, no decisions, no permits, no views, no second start from the log.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, MessageChannel, type MessagePort, Worker, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { type Actor, createActor, setup } from 'xstate';
import { builtInTools } from '../src/agent/tools/catalogue.ts';
import { createToolRegistry } from '../src/agent/tools/registry.ts';
import type { ChatMessage } from '../src/providers/provider.ts';
import { createSigilProvider } from '../src/providers/sigil.ts';

/** What every session says. */
const CONTENT = 'hello there';
/** A system prompt of ordinary length. */
const PROMPT = 'You are an assistant. '.repeat(30);

type Role = {
  readonly role: 'lanes' | 'journal';
  readonly port: MessagePort;
  readonly driver?: MessagePort;
  readonly file: string;
};
/** The rows of one step, and whose they are. */
interface Step {
  readonly session: number;
  readonly rows: readonly { readonly type: string; readonly turn_id: string; readonly payload: string }[];
}

const lane = setup({
  types: {} as { events: { type: 'received' } | { type: 'replied' } | { type: 'written' } },
}).createMachine({
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
  db.exec(`CREATE TABLE records (seq INTEGER PRIMARY KEY, stream TEXT NOT NULL, at INTEGER NOT NULL, type TEXT NOT NULL,
    turn_id TEXT NOT NULL, payload TEXT NOT NULL) STRICT`);
  const insert = db.prepare('INSERT INTO records (stream, at, type, turn_id, payload) VALUES (?, ?, ?, ?, ?)');
  const commit = db.transaction((steps: readonly Step[]) => {
    for (const { session, rows } of steps) {
      for (const { type, turn_id, payload } of rows)
        insert.run(`session/${session}`, Date.now(), type, turn_id, payload);
    }
  });
  let waiting: Step[] = [];
  port.on('message', (steps: readonly Step[]) => {
    if (waiting.length === 0) {
      setImmediate(() => {
        const group = waiting;
        waiting = [];
        commit(group);
        port.postMessage(group.map(({ session }) => session));
      });
    }
    waiting.push(...steps);
  });
}

const WINDOW = 20;

/** A lane: its chart, and the messages its model is shown. */
interface BareLane {
  readonly actor: Actor<typeof lane>;
  readonly window: ChatMessage[];
}

function runLanes({ port, driver }: Role): void {
  if (driver === undefined) throw new Error('lanes need a driver');
  const lanes = new Map<number, BareLane>();
  const append = batched<Step>(port);
  const tell = batched<readonly [number, string]>(driver);
  const turn_id = crypto.randomUUID();
  const row = (record: { readonly type: string }) => ({
    type: record.type,
    turn_id,
    payload: JSON.stringify({ ...record, turn_id }),
  });
  const model = createSigilProvider({ pause: async () => undefined });
  const tools = createToolRegistry(builtInTools()).offer();
  const { signal } = new AbortController();

  const begin = (session: number): void => {
    const message = {
      message_id: `m-${session}`,
      user_id: 'bench',
      channel: 'channel/http',
      content: CONTENT,
      model: '',
      digest: 'abcdefghijklmnop',
    };
    append({
      session,
      rows: [
        row({ type: 'message_received', ...message }),
        row({
          type: 'turn_started',
          ...{ message_ids: [message.message_id], model: 'sigil/offline', queued_ms: 0 },
        }),
        row({ type: 'model_called', ...{ call: 1, model: 'sigil/offline', reserved_tokens: 1_000, reserved_usd: 0 } }),
      ],
    });
  };

  const reply = async (session: number, { actor, window }: BareLane): Promise<void> => {
    actor.send({ type: 'received' });
    window.push({ role: 'user', content: CONTENT, origin: 'user_input' });
    const deltas: number[] = [];
    let content = '';
    const request = { model: 'offline', systemPrompt: PROMPT, messages: window, tools, options: {} };
    for await (const batch of model.chat(request, { signal })) {
      for (const event of batch) {
        if (event.type !== 'text_delta') continue;
        tell([session, event.text]);
        deltas.push(event.text.length);
        content += event.text;
      }
    }
    window.push({ role: 'assistant', content, origin: 'system' });
    if (window.length > WINDOW) window.splice(0, window.length - WINDOW);
    actor.send({ type: 'replied' });
    const usage = { input_tokens: 600, output_tokens: 30, cache_read_tokens: 0, cache_write_tokens: 0, cost_usd: 0 };
    const reply = {
      call: 1,
      content,
      thinking: '',
      tool_calls: [],
      usage,
      finish: 'stop',
      deltas,
      message_id: turn_id,
    };
    append({
      session,
      rows: [
        row({ type: 'model_replied', ...reply }),
        row({ type: 'turn_finished', ...{ reply_id: turn_id, finish_reason: 'stop', content, usage } }),
      ],
    });
  };

  driver.on('message', (sessions: readonly number[]) => {
    for (const session of sessions) {
      if (!lanes.has(session)) {
        const actor = createActor(lane);
        actor.start();
        lanes.set(session, { actor, window: [] });
      }
      begin(session);
    }
  });
  port.on('message', (sessions: readonly number[]) => {
    for (const session of sessions) {
      const own = lanes.get(session);
      if (own === undefined) continue;
      if (own.actor.getSnapshot().value === 'idle') void reply(session, own);
      else {
        own.actor.send({ type: 'written' });
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
export async function bareTurns(sessions: number, inFlight: number, warmUp: number, turns: number): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'sigil-bare-'));
  const between = new MessageChannel();
  const driver = new MessageChannel();
  const entry = new URL(import.meta.url);
  const file = join(dir, 'journal.db');
  const journal = new Worker(entry, {
    workerData: { role: 'journal', port: between.port2, file },
    transferList: [between.port2],
  });
  const lanes = new Worker(entry, {
    workerData: { role: 'lanes', port: between.port1, driver: driver.port2, file },
    transferList: [between.port1, driver.port2],
  });
  const send = batched<number>(driver.port1);
  const idle = Array.from({ length: sessions }, (_, session) => session);
  let left = warmUp + turns;
  let running = 0;
  let over = 0;
  let began = 0;
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
        over += 1;
        if (over === warmUp) began = performance.now();
        idle.push(session);
        next(idle.shift() ?? session);
      }
      if (left === 0 && running === 0) resolve();
    });
    for (const session of idle.splice(0, inFlight)) next(session);
  });
  const seconds = (performance.now() - began) / 1_000;
  driver.port1.close();
  await Promise.all([journal.terminate(), lanes.terminate()]);
  rmSync(dir, { recursive: true });
  return turns / seconds;
}
