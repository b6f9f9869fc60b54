// SPDX-License-Identifier: Apache-2.0
// Makes a data directory as a busy gateway leaves it when it is killed: a long journal, views in step, and sessions cut off in a turn.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { evolve } from '../../src/stores/fold.ts';
import type { AppendItem } from '../../src/stores/journal.ts';
import { JournalWriter } from '../../src/stores/journal-writer.ts';
import { packSession } from '../../src/stores/packed-session.ts';
import { type SessionRecord, store } from '../../src/stores/records.ts';
import { emptySession, type SessionState } from '../../src/stores/session-state.ts';
import { SqliteJournalDisk } from '../../src/stores/sqlite/journal-disk.ts';
import { openViews } from '../../src/stores/sqlite/open.ts';

const [dataDir = '', rowsText = '', interruptedText = ''] = process.argv.slice(2);
const ROWS = Number(rowsText);
const INTERRUPTED = Number(interruptedText);
/** Rows of a session, about: ten turns with a tool and what lies between them. */
const ROWS_A_SESSION = 100;
/** As in a lane, see `lane-policy.ts`. */
const CHECKPOINT_EVERY = 64;
const WINDOW = 20;
/** Appends of one commit. */
const GROUP = 300;
const WORKSPACE = 'personal:owner';
const MODEL = 'sigil/offline';
const USAGE = { input_tokens: 500, output_tokens: 20, cache_read_tokens: 0, cache_write_tokens: 0, cost_usd: 0 };

const id = (kind: number, a: number, b: number): string =>
  `0199${kind.toString(16).padStart(4, '0')}-${(a >>> 16).toString(16).padStart(4, '0')}-7${(b & 0xfff).toString(16).padStart(3, '0')}-8000-${a.toString(16).padStart(12, '0')}`;

interface Session {
  readonly session_id: string;
  state: SessionState;
  n: number;
}

mkdirSync(dataDir, { recursive: true, mode: 0o700 });
const disk = new SqliteJournalDisk({ file: join(dataDir, 'journal.db'), durability: 'normal' });
let flush = (): void => undefined;
const writer = new JournalWriter({
  disk,
  soon: (run) => {
    flush = run;
  },
});
let asked = 0;
const now = Date.now();
/** The journal is so many milliseconds old; its interrupted turns began just now. */
const AGE_MS = 3_600_000;

/** Appends a turn's records to a session, and a checkpoint where one is due. */
function append(session: Session, records: readonly SessionRecord[], owes: AppendItem['owes']): void {
  const at = now - Math.max(0, Math.floor(AGE_MS * (1 - writer.seq / ROWS)));
  const stored = records.map((record) => {
    session.state = evolve(session.state, record, at, WINDOW);
    return store(record);
  });
  if (session.state.since_checkpoint >= CHECKPOINT_EVERY && owes.length === 0) {
    const checkpoint: SessionRecord = { type: 'checkpoint', state: packSession(session.state, []) };
    session.state = evolve(session.state, checkpoint, at, WINDOW);
    stored.push(store(checkpoint));
  }
  writer.append({
    body: {
      stream: `session/${session.session_id}`,
      workspace_id: WORKSPACE,
      n: session.n + 1,
      items: [{ at, records: stored, owes, settles: [] }],
    },
    reply: () => undefined,
    fail: ({ message }) => {
      throw new Error(message);
    },
  });
  session.n += stored.length;
  asked += 1;
  if (asked % GROUP === 0) flush();
}

function beginning(session: Session, number: number, turn: number): SessionRecord[] {
  const turn_id = id(2, number, turn);
  const created: SessionRecord = {
    type: 'session_created',
    session_id: session.session_id,
    workspace_id: WORKSPACE,
    user_id: 'owner',
    channel: 'channel/http',
  };
  return [
    ...(session.n === 0 ? [created] : []),
    {
      type: 'message_received',
      message_id: `message-${number}-${turn}`,
      turn_id,
      user_id: 'owner',
      channel: 'channel/http',
      content: `what is ${number}*${turn}?`,
      model: '',
      digest: 'abcdefghijklmnop',
    },
    { type: 'turn_started', turn_id, message_ids: [`message-${number}-${turn}`], model: MODEL, queued_ms: 0 },
    { type: 'model_called', turn_id, call: 1, model: MODEL, reserved_tokens: 2_000, reserved_usd: 0 },
  ];
}

function whole(session: Session, number: number, turn: number): SessionRecord[] {
  const turn_id = id(2, number, turn);
  const call = {
    id: `call_${number}_${turn}`,
    name: 'calculator',
    arguments: JSON.stringify({ expression: `${number}*${turn}` }),
  };
  const content = `${number} * ${turn} = ${number * turn}`;
  const replied = { turn_id, thinking: '', usage: USAGE };
  const reply_id = id(3, number, turn);
  return [
    ...beginning(session, number, turn),
    {
      ...replied,
      type: 'model_replied',
      call: 1,
      content: '',
      tool_calls: [call],
      finish: 'tool_calls',
      deltas: [],
      message_id: id(4, number, turn),
    },
    { type: 'tool_called', turn_id, calls: [call] },
    {
      type: 'tool_returned',
      turn_id,
      call_id: call.id,
      name: call.name,
      content: JSON.stringify({ result: number * turn }),
      is_error: false,
      truncated: false,
      took_ms: 1,
      message_id: id(5, number, turn),
    },
    { type: 'model_called', turn_id, call: 2, model: MODEL, reserved_tokens: 2_000, reserved_usd: 0 },
    {
      ...replied,
      type: 'model_replied',
      call: 2,
      content,
      tool_calls: [],
      finish: 'stop',
      deltas: [content.length],
      message_id: reply_id,
    },
    { type: 'turn_finished', turn_id, reply_id, finish_reason: 'stop', content, usage: USAGE },
  ];
}

const sessions = Array.from({ length: Math.max(INTERRUPTED, Math.ceil(ROWS / ROWS_A_SESSION)) }, (_, at): Session => {
  return { session_id: id(1, at, 0), state: emptySession(), n: 0 };
});
// All sessions in turn, so that the rows of one lie scattered over the whole file.
let turn = 0;
for (; writer.seq < ROWS; turn += 1) {
  for (const [number, session] of sessions.entries()) append(session, whole(session, number, turn), []);
  flush();
}
const step = Math.floor(sessions.length / INTERRUPTED);
for (let at = 0; at < INTERRUPTED; at += 1) {
  const session = sessions[at * step];
  if (session === undefined) break;
  const records = beginning(session, at * step, turn);
  append(session, records, [{ record: records.findIndex(({ type }) => type === 'message_received'), kind: 'turn' }]);
}
flush();
const last = writer.seq;
process.stdout.write(`${last} rows\n`);

// The views of a gateway that ran until now are in step.
openViews({
  dataDir,
  clock: {
    soon: (run) => void setImmediate(run),
    after: (ms, run) => {
      const timer = setTimeout(run, Math.min(ms, 1));
      return () => clearTimeout(timer);
    },
    monotonic: () => performance.now(),
    now: () => Date.now(),
  },
  advanced: (upto) => {
    if (upto >= last) process.kill(process.pid, 'SIGKILL');
  },
}).handlers['views.hurry']({ body: { upto: last }, reply: () => undefined, fail: () => undefined });
