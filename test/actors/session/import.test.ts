// SPDX-License-Identifier: Apache-2.0
// What an import writes: each part one append, whole turns that are owed by nobody, so that no crash leaves one to be resumed.

import { expect, it } from 'vitest';
import { StreamWriter } from '../../../src/actors/session/stream-writer.ts';
import { evolve } from '../../../src/stores/fold.ts';
import { type ExportedTurn, recordsOf } from '../../../src/stores/imported-turn.ts';
import type { Append } from '../../../src/stores/journal.ts';
import type { SessionRecord } from '../../../src/stores/records.ts';
import { emptySession } from '../../../src/stores/session-state.ts';

const usage = { input_tokens: 9, output_tokens: 9, cache_read_tokens: 0, cache_write_tokens: 0, cost_usd: 1 };

const turn = (id: string, at: number, more: Partial<ExportedTurn> = {}): ExportedTurn => ({
  id,
  user_id: 'anna',
  model: 'sigil/offline',
  reply_id: `${id}-r`,
  content: 'let me see42',
  finish_reason: 'stop',
  error: null,
  usage,
  started_at: at + 1,
  ended_at: at + 5,
  messages: [
    { ...message(`${id}-m`, 'user', 'what is it', at) },
    {
      ...message(`${id}-a`, 'assistant', 'let me see', at + 2),
      tool_calls: [{ id: 'c', name: 'look', arguments: '{}' }],
    },
    { ...message(`${id}-t`, 'tool', 'it is 42', at + 3), tool_call_id: 'c', is_error: true },
    { ...message(`${id}-r`, 'assistant', '42', at + 4) },
  ],
  ...more,
});

const waitedAs = (message_id: string): string => `waited-${message_id}`;

function message(id: string, role: 'user' | 'assistant' | 'tool', content: string, at: number) {
  return { id, role, content, at, tool_calls: [], tool_call_id: '', is_error: false, truncated: false };
}

it('writes a part in one append, under its own times, with nothing owed', () => {
  const appends: Append<SessionRecord>[] = [];
  const answers: (() => void)[] = [];
  const writer = new StreamWriter(
    {
      stream: 'session/s',
      workspace_id: 'w',
      append: (append, answered) => {
        appends.push(append);
        answers.push(() => answered({ ok: true, body: { seq: 11 } }));
      },
      later: () => undefined,
      owedSeq: () => undefined,
      owedParts: () => [],
      dueCheckpoint: () => null,
      written: () => undefined,
      lost: (error) => {
        throw new Error(error.message);
      },
    },
    0,
  );
  const parts = [turn('t1', 1_000), turn('t2', 2_000)].flatMap((one) => recordsOf(one, 'channel/http', waitedAs).parts);
  let durable = 0;
  writer.writeTogether(parts, (seq) => {
    durable = seq;
  });
  expect(appends).toHaveLength(1);
  const [append] = appends;
  expect(append?.n).toBe(1);
  expect(append?.items.map(({ at }) => at)).toEqual([
    1000, 1001, 1002, 1003, 1004, 1005, 2000, 2001, 2002, 2003, 2004, 2005,
  ]);
  expect(append?.items.every(({ owes, settles }) => owes.length === 0 && settles.length === 0)).toBe(true);
  expect(durable).toBe(0);
  for (const answer of answers) answer();
  expect(durable).toBe(11);
});

it('folds into a session at rest that remembers what was said and charges nothing', () => {
  const created = {
    type: 'session_created',
    session_id: 's',
    workspace_id: 'w',
    user_id: 'anna',
    channel: 'channel/http',
  };
  let state = evolve(emptySession(), created as SessionRecord, 0, 20);
  const failed = turn('t3', 3_000, { error: { code: 'provider_error', message: 'no' }, finish_reason: null });
  const unfinished = turn('t4', 4_000, { finish_reason: null, reply_id: null });
  for (const one of [turn('t1', 1_000), turn('t2', 2_000), failed, unfinished]) {
    for (const { at, records } of recordsOf(one, 'channel/http', waitedAs).parts)
      for (const record of records) state = evolve(state, record, at, 20);
  }
  expect(state).toMatchObject({ turn: null, waiting: [], used_tokens: 0 });
  expect(state.window.map(({ role, content }) => `${role}: ${content}`).slice(0, 4)).toEqual([
    'user: what is it',
    'assistant: let me see',
    'tool: it is 42',
    'assistant: 42',
  ]);
  expect(state.window).toHaveLength(8);
  expect([...state.keys.keys()]).toEqual(['t1-m', 't2-m', 't3-m', 't4-m']);
  const last = recordsOf(unfinished, 'channel/http', waitedAs).parts.at(-1)?.records[0];
  expect(last).toMatchObject({ type: 'turn_failed', code: 'draining' });
});
