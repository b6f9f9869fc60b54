// SPDX-License-Identifier: Apache-2.0
// Messages on their way past the scanner: refused for good, warned of, cut, and never out of their order.

import { beforeEach, describe, expect, it } from 'vitest';
import type { MessageVerdict } from '../../../src/actors/session/effects.ts';
import { failure } from '../../../src/errors.ts';
import { restore, type SessionRecord } from '../../../src/stores/records.ts';
import { eventsOf, NO_EVENTS } from '../../../src/stores/turn-events.ts';
import { codeOf, LaneStand, receiptOf } from './lane-stand.ts';

const A = '018f0000-0000-8000-8000-00000000000a';
const BLOCK: MessageVerdict = { kind: 'block', rules: ['override-previous'] };

let stand: LaneStand;
/** Scans that wait, as the pool's do. */
let scans: { content: string; done: (verdict: MessageVerdict) => void }[];
beforeEach(() => {
  stand = new LaneStand();
  scans = [];
});

const later = (): void => {
  stand.scan = (content, done) => void scans.push({ content, done });
};
const records = (): readonly SessionRecord[] =>
  [...stand.rows.rows.values()].filter(({ stream }) => stream === `session/${A}`).map((row) => restore(row));
const text = (): string => JSON.stringify([...stand.rows.rows.values()]);

describe('a message that is refused', () => {
  beforeEach(() => {
    stand.scan = (content, done) => done(content.includes('evil') ? BLOCK : { kind: 'pass' });
  });

  it('is known by its key, its text is kept nowhere, and no model sees it', () => {
    const asked = stand.say(A, 'evil words', 'key-1');
    stand.settle();
    expect(asked.answer).toMatchObject({
      ok: false,
      error: {
        code: 'input_blocked',
        message: expect.stringContaining('override-previous'),
        details: { rules: ['override-previous'] },
      },
    });
    expect(stand.types(A)).toEqual(['session_created', 'message_blocked']);
    expect(records().at(-1)).toMatchObject({ message_id: 'key-1', user_id: 'ann', rules: ['override-previous'] });
    expect(JSON.stringify(records())).not.toContain('"content"');
    expect(stand.prompts).toEqual([]);
  });

  it('is answered the same when it comes again, also after a sleep, and under its key no other is taken', () => {
    stand.say(A, 'evil words', 'key-1');
    stand.settle();
    const rows = stand.rows.rows.size;
    // Whoever has changed the rules meanwhile does not change what was decided.
    stand.scan = (_, done) => done({ kind: 'pass' });
    const again = stand.say(A, 'evil words', 'key-1');
    const other = stand.say(A, 'good words', 'key-1');
    stand.settle();
    expect([codeOf(again), codeOf(other)]).toEqual(['input_blocked', 'conflict']);
    const woken = new LaneStand({}, stand.rows);
    const after = woken.say(A, 'evil words', 'key-1');
    woken.settle();
    expect(codeOf(after)).toBe('input_blocked');
    expect(stand.rows.rows.size).toBe(rows);
  });

  it('is told once to each who sent it before that was durable', () => {
    stand.say(A, 'good words');
    stand.settle();
    stand.stalled = true;
    const both = [stand.say(A, 'evil words', 'key-1'), stand.say(A, 'evil words', 'key-1')];
    stand.settle();
    expect(both.map(codeOf)).toEqual(['waiting', 'waiting']);
    stand.release();
    expect(both.map(codeOf)).toEqual(['input_blocked', 'input_blocked']);
    expect(stand.types(A).filter((type) => type === 'message_blocked')).toHaveLength(1);
  });

  it('leaves the session as it was: the next one is answered, without the refused one before it', () => {
    stand.say(A, 'evil words');
    const next = stand.say(A, 'good words');
    stand.settle();
    expect(codeOf(next)).toBe('ok');
    expect(stand.prompts).toEqual([['good words']]);
    expect(text()).toContain('answer to good words');
  });
});

describe('a message that is let through in spite of something', () => {
  it('warns whoever listens, live and told again', () => {
    stand.scan = (_, done) => done({ kind: 'flag', rules: ['jailbreak-name'] });
    receiptSettled(stand);
    const started = records().find(({ type }) => type === 'turn_started');
    expect(started).toMatchObject({
      warning: { code: 'input_flagged', message: expect.stringContaining('jailbreak-name') },
    });
    const place = { session_id: A, workspace_id: 'home' };
    const { events } = eventsOf(started as SessionRecord, place, NO_EVENTS);
    expect(events.map(({ n, event }) => [n, event.event])).toEqual([
      [1, 'turn_started'],
      [2, 'warning'],
    ]);
  });

  it('is stored and asked without what was cut out, and known by what was sent', () => {
    stand.scan = (content, done) => done({ kind: 'redact', rules: ['x'], text: content.replace('evil', '[cut]') });
    const asked = stand.say(A, 'evil words', 'key-1');
    stand.settle();
    const again = stand.say(A, 'evil words', 'key-1');
    stand.settle();
    expect(receiptOf(again)).toMatchObject({ turn_id: receiptOf(asked).turn_id, repeated: true });
    expect(stand.prompts).toEqual([['[cut] words']]);
    expect(JSON.stringify(records().map((record) => ({ ...record, digest: '' })))).not.toContain('evil');
  });
});

function receiptSettled(of: LaneStand): void {
  const asked = of.say(A, 'words');
  of.settle();
  receiptOf(asked);
}

describe('a long message', () => {
  it('holds back those that came after it, and keeps its place before them', () => {
    later();
    const asked = ['one', 'two', 'three'].map((content) => stand.say(A, content));
    stand.settle();
    expect(scans.map(({ content }) => content)).toEqual(['one']);
    expect(asked.map(codeOf)).toEqual(['waiting', 'waiting', 'waiting']);
    for (let at = 0; at < 3; at += 1) {
      scans[at]?.done({ kind: 'pass' });
      stand.settle();
    }
    expect(asked.map(codeOf)).toEqual(['ok', 'ok', 'ok']);
    expect(stand.prompts.map((prompt) => prompt.at(-1))).toEqual(['one', 'two', 'three']);
  });

  it('that comes twice is scanned once, and answered twice', () => {
    later();
    const both = [stand.say(A, 'one', 'key-1'), stand.say(A, 'one', 'key-1')];
    stand.settle();
    expect(scans).toHaveLength(1);
    scans[0]?.done(BLOCK);
    stand.settle();
    expect(both.map(codeOf)).toEqual(['input_blocked', 'input_blocked']);
  });

  it('that could not be scanned is not taken, and may come again under its key', () => {
    later();
    const asked = stand.say(A, 'one', 'key-1');
    stand.settle();
    scans[0]?.done({ kind: 'failed', error: failure('overloaded', 'not scanned') });
    stand.settle();
    expect(codeOf(asked)).toBe('overloaded');
    const again = stand.say(A, 'one', 'key-1');
    stand.settle();
    scans[1]?.done({ kind: 'pass' });
    stand.settle();
    expect(codeOf(again)).toBe('ok');
  });

  it('keeps its session awake, is not taken by one that is deleted meanwhile, and as few wait behind it as may wait', () => {
    stand.policy = { ...stand.policy, waiting_most: 2 };
    later();
    stand.say(A, 'zero', 'key-0');
    stand.settle();
    scans[0]?.done({ kind: 'pass' });
    stand.settle();
    const first = stand.say(A, 'one');
    const behind = [stand.say(A, 'two'), stand.say(A, 'three'), stand.say(A, 'four')];
    expect(behind.map(codeOf)).toEqual(['waiting', 'waiting', 'overloaded']);
    stand.clock.advance(10 * 60_000);
    stand.settle();
    expect(stand.moved.filter((how) => how.endsWith('asleep'))).toEqual([]);
    const gone = stand.send(A, 'session.delete', { by: 'ann' });
    stand.settle();
    scans[1]?.done({ kind: 'pass' });
    stand.settle();
    expect([codeOf(first), ...behind.map(codeOf)]).toEqual(['conflict', 'conflict', 'conflict', 'overloaded']);
    expect(codeOf(gone)).toBe('ok');
  });
});
