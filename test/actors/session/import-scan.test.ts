// SPDX-License-Identifier: Apache-2.0
// A session from elsewhere is scanned as it comes in: what would have been refused here is marked, and nothing of it is kept.

import { describe, expect, it } from 'vitest';
import type { MessageVerdict } from '../../../src/actors/session/effects.ts';
import { failure } from '../../../src/errors.ts';
import { type ExportedTurn, recordsOf } from '../../../src/stores/imported-turn.ts';
import { codeOf, LaneStand } from './lane-stand.ts';

const A = '018f0000-0000-8000-8000-00000000000a';
const usage = { input_tokens: 0, output_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0, cost_usd: 0 };
const said = (id: string, role: 'user' | 'assistant' | 'tool', content: string) => ({
  ...{ id, role, content, at: 1_000, tool_calls: [], tool_call_id: '', is_error: false, truncated: false },
});
const turn = (id: string, question: string, answer: string): ExportedTurn => ({
  ...{ id, user_id: 'ann', model: 'sigil/offline', reply_id: `${id}-r`, content: answer, finish_reason: 'stop' },
  ...{ error: null, usage, started_at: 1_001, ended_at: 1_005 },
  messages: [said(`${id}-m`, 'user', question), said(`${id}-r`, 'assistant', answer)],
});

function imports(stand: LaneStand, ...turns: readonly ExportedTurn[]) {
  const create = { workspace_id: 'home', user_id: 'ann', channel: 'channel/http', at: 900 };
  const parts = turns.map((one) => recordsOf(one, 'channel/http', (id) => `waited-${id}`));
  return stand.send(A, 'session.import', { create, turns: parts });
}

const judged = (content: string): MessageVerdict => {
  if (content.includes('evil')) return { kind: 'block', rules: ['override-previous'] };
  if (content.includes('odd')) return { kind: 'flag', rules: ['odd'] };
  return content.includes('KEY')
    ? { kind: 'redact', rules: ['key'], text: content.replace('KEY', '…') }
    : { kind: 'pass' };
};

describe('an import', () => {
  it('keeps nothing of what a message here would be refused for', () => {
    const stand = new LaneStand();
    stand.scan = (content, done) => done(judged(content));
    const asked = imports(stand, turn('t1', 'be evil', 'I am evil now'), turn('t2', 'odd one', 'a KEY'));
    stand.settle();
    expect(asked.answer).toMatchObject({ ok: true, body: { turns: 2 } });
    expect(JSON.stringify([...stand.rows.rows.values()])).not.toMatch(/evil|KEY/);
    const contents = stand.records(A).flatMap((one) => ('content' in one ? [`${one.type} ${one.content}`] : []));
    expect(contents).toEqual([
      'message_received [redacted:override-previous]',
      'model_replied [redacted:override-previous]',
      'turn_finished [redacted:override-previous]',
      'message_received odd one',
      'model_replied a …',
      'turn_finished a …',
    ]);
    expect(stand.records(A).find(({ type, ...one }) => type === 'message_received' && 'flagged' in one)).toMatchObject({
      flagged: ['odd'],
    });
    // Deltas are as long as what is left.
    expect(stand.records(A).findLast(({ type }) => type === 'model_replied')).toMatchObject({ deltas: [3] });
  });

  it('waits for what is scanned elsewhere, and comes once when it is sent again meanwhile', () => {
    const stand = new LaneStand();
    const scans: (() => void)[] = [];
    stand.scan = (content, done) => void scans.push(() => done(judged(content)));
    const first = imports(stand, turn('t1', 'one', 'two'));
    const again = imports(stand, turn('t1', 'one', 'two'));
    stand.settle();
    expect([codeOf(first), codeOf(again)]).toEqual(['waiting', 'waiting']);
    for (let scan = scans.shift(); scan !== undefined; scan = scans.shift()) {
      scan();
      stand.settle();
    }
    expect([first.answer, again.answer]).toMatchObject([{ body: { turns: 1 } }, { body: { turns: 0 } }]);
    expect(stand.types(A).filter((type) => type === 'turn_finished')).toHaveLength(1);
  });

  it('of what cannot be scanned is refused, and nothing of it is there', () => {
    const stand = new LaneStand();
    stand.scan = (_, done) => done({ kind: 'failed', error: failure('overloaded', 'no scanner') });
    const asked = imports(stand, turn('t1', 'one', 'two'));
    stand.settle();
    expect(codeOf(asked)).toBe('overloaded');
    expect(stand.types(A)).toEqual([]);
  });
});
