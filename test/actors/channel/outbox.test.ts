// SPDX-License-Identifier: Apache-2.0
// A channel's outbox over a real journal in memory: what it takes on is said once, in order, over any number of lives.

import { describe, expect, it } from 'vitest';
import type { DeadLetter, Say } from '../../../src/actors/channel/chat-protocol.ts';
import { Outbox } from '../../../src/actors/channel/outbox.ts';
import type { OutboxSettings, Platform, SentAnswer } from '../../../src/actors/channel/outbox-ports.ts';
import { type Failure, failure } from '../../../src/errors.ts';
import { JournalWriter } from '../../../src/stores/journal-writer.ts';
import { emptyMemoryJournal, MemoryJournalDisk, type MemoryJournalState } from '../../../src/stores/memory-journal.ts';
import type { Outcome } from '../../../src/stores/stream-owner.ts';
import type { TurnEvent } from '../../../src/stores/turn-events.ts';
import { ManualClock } from '../../stores/manual-clock.ts';

const BEGAN = 1_700_000_000_000;
const HOUR = 3_600_000;
const plain: Platform = {
  ...{ editing: false, removing: false, typing: false, change_every: 1_000, dedupe: 'none' },
  split: (text) => (text === '' ? [] : text.split('|')),
};

interface Sent {
  readonly conversation: string;
  readonly content: string;
  readonly key: string;
}

class Stand {
  readonly clock = new ManualClock();
  readonly rows: MemoryJournalState;
  readonly outbox: Outbox;
  readonly sent: Sent[] = [];
  readonly edits: string[] = [];
  readonly looked: string[] = [];
  readonly dead: DeadLetter[] = [];
  readonly followed = new Map<string, (n: number, event: TurnEvent) => void>();
  /** What becomes of the next messages; then they are taken. `null`: nothing is answered. */
  readonly fates: (SentAnswer | null)[] = [];
  readonly unanswered: ((answer: SentAnswer) => void)[] = [];
  /** How many of the next appends the disk refuses. */
  failing = 0;
  /** What the platform knows under a key. */
  readonly found: string | null;
  #ids = 0;

  constructor(
    platform: Partial<Platform> = {},
    rows = emptyMemoryJournal(),
    settings: Partial<OutboxSettings> = {},
    found: string | null = null,
  ) {
    this.rows = rows;
    this.found = found;
    const { clock } = this;
    const journal = new JournalWriter({ disk: new MemoryJournalDisk('stand', rows), soon: (run) => clock.soon(run) });
    const answering = <T>(answered: (outcome: Outcome<T>) => void) => ({
      reply: (body: T) => answered({ ok: true, body }),
      fail: (error: Failure) => answered({ ok: false, error }),
    });
    const whole = { ...plain, ...platform };
    this.outbox = new Outbox(
      'tg',
      {
        world: {
          now: () => BEGAN + clock.monotonic(),
          monotonic: () => clock.monotonic(),
          after: clock.after,
          iso: (at) => new Date(at).toISOString(),
        },
        append: (append, answered) => {
          if (this.failing === 0) return journal.append({ body: append, ...answering(answered) });
          this.failing -= 1;
          clock.soon(() => answered({ ok: false, error: failure('storage_failed', 'no space left on device') }));
        },
        tail: (stream, answered) => journal.tail({ body: { stream }, ...answering(answered) }),
        platform: () => whole,
        send: ({ to, content, idempotency_key: key }, answered) => {
          this.sent.push({ conversation: to.channel_id, content, key });
          this.#ids += 1;
          const fate = this.fates.length > 0 ? this.fates.shift() : { ok: true, platform_message_id: `p${this.#ids}` };
          if (fate === null) this.unanswered.push(answered);
          else if (fate !== undefined) clock.soon(() => answered(fate as SentAnswer));
        },
        edit: (_, id, content, answered) => {
          this.edits.push(`${id}: ${content}`);
          clock.soon(() => answered({ ok: true }));
        },
        remove: (_, __, answered) => answered({ ok: true }),
        lookup: (_, key, answered) => {
          this.looked.push(key);
          clock.soon(() => answered({ ok: true, found: this.found }));
        },
        typing: () => undefined,
        follow: (_, turn_id, heard) => {
          this.followed.set(turn_id, heard);
          return () => void this.followed.delete(turn_id);
        },
        dead: (letter) => void this.dead.push(letter),
        point: () => undefined,
      },
      { max_age: 24 * HOUR, redeliver: () => true, ...settings },
    );
    this.outbox.load(() => undefined);
    this.outbox.online();
    this.settle();
  }

  take(key: string, content: string, conversation = 'c1', kind: Say['kind'] = 'reply'): () => string {
    let answer = 'waiting';
    const to = { channel_id: conversation, message_id: 'm', direct: true };
    this.outbox.take({ key, kind, session_id: 's1', user_id: 'ann', to, content }, (outcome) => {
      answer = outcome.ok ? 'ok' : outcome.error.code;
    });
    this.settle();
    return () => answer;
  }

  settle(): void {
    this.clock.settle();
  }

  get said(): readonly string[] {
    return this.sent.map(({ content }) => content);
  }

  get owed(): number {
    return this.rows.owed.size;
  }
}

const unknown: SentAnswer = { ok: false, error: failure('channel_network', 'the connection broke'), doubt: true };
const refused = (code: 'rate_limited' | 'forbidden', after?: number): SentAnswer => ({
  ok: false,
  error: failure(code, 'not now', after === undefined ? undefined : { retry_after_ms: after }),
  doubt: false,
});

describe('what a channel is given to say', () => {
  it('is said once, part after part, and owed until then', () => {
    const stand = new Stand();
    expect(stand.take('t1', 'one|two|three')()).toBe('ok');
    expect(stand.said).toEqual(['one', 'two', 'three']);
    expect(stand.sent.map(({ key }) => key)).toEqual(['t1:0', 't1:1', 't1:2']);
    expect(stand.owed).toBe(0);
    expect(stand.outbox.state()).toMatchObject({ waiting: 0, sent: 3, dead_letters: 0 });
  });

  it('is the same under the same key, also when it was said long before and in another life', () => {
    const stand = new Stand();
    stand.take('t1', 'one');
    expect(stand.take('t1', 'one')()).toBe('ok');
    const next = new Stand({}, stand.rows);
    expect(next.take('t1', 'one')()).toBe('ok');
    expect([...stand.said, ...next.said]).toEqual(['one']);
  });

  it('is said in its order in a conversation, and a conversation that waits holds up no other', () => {
    const stand = new Stand();
    stand.fates.push(refused('rate_limited', 5_000));
    stand.take('t1', 'first');
    stand.take('t2', 'second');
    stand.take('t3', 'elsewhere', 'c2');
    expect(stand.said).toEqual(['first', 'elsewhere']);
    stand.clock.advance(4_999);
    expect(stand.said).toHaveLength(2);
    stand.clock.advance(1_000);
    expect(stand.said.slice(2)).toEqual(['first', 'second']);
    expect(stand.owed).toBe(0);
  });

  it('waits while the channel is away, whole', () => {
    const stand = new Stand();
    stand.outbox.offline();
    expect(stand.take('t1', 'one')()).toBe('ok');
    expect(stand.said).toEqual([]);
    stand.outbox.online();
    stand.settle();
    expect(stand.said).toEqual(['one']);
  });

  it('is a dead letter at once where it is refused for good, and what is behind it is said', () => {
    const stand = new Stand();
    stand.fates.push(refused('forbidden'));
    stand.take('t1', 'one|two');
    stand.take('t2', 'next');
    expect(stand.dead).toMatchObject([{ key: 't1', code: 'forbidden', outcome_unknown: false }]);
    expect(stand.said).toEqual(['one', 'next']);
    expect(stand.owed).toBe(0);
  });

  it('is a dead letter after its time, which another life still shows', () => {
    const stand = new Stand({}, undefined, { max_age: HOUR });
    stand.outbox.offline();
    stand.take('t1', 'one');
    stand.clock.advance(HOUR + 60_000);
    expect(stand.dead).toMatchObject([{ key: 't1', code: 'deadline_exceeded' }]);
    const next = new Stand({}, stand.rows);
    expect(next.outbox.state().dead_letters).toBe(1);
    let letters: readonly DeadLetter[] = [];
    next.outbox.dead((outcome) => {
      if (outcome.ok) letters = outcome.body;
    });
    next.settle();
    expect(letters.map(({ key }) => key)).toEqual(['t1']);
    expect(next.owed).toBe(0);
  });

  it('is bounded in each conversation, and the rest is told to come later', () => {
    const stand = new Stand();
    stand.outbox.offline();
    for (let at = 0; at < 500; at += 1) stand.take(`t${at}`, 'x');
    expect(stand.take('more', 'x')()).toBe('overloaded');
    expect(stand.take('elsewhere', 'x', 'c2')()).toBe('ok');
  });

  it('is forgotten when it is erased, also while it waits', () => {
    const stand = new Stand();
    stand.outbox.offline();
    stand.take('t1', 'one');
    stand.outbox.erase({ session_id: '', user_id: 'ann' }, () => undefined);
    stand.settle();
    stand.outbox.online();
    stand.settle();
    expect(stand.said).toEqual([]);
    expect([...stand.rows.owed.values()].map(({ kind }) => kind)).toEqual(['erasure']);
  });
});

describe('a message of which nobody knows whether it was sent', () => {
  /** A life that ends after it was handed to the platform, and the next one. */
  const cutOff = (platform: Partial<Platform>, settings: Partial<OutboxSettings> = {}, found: string | null = null) => {
    const before = new Stand(platform);
    before.fates.push(null);
    before.take('t1', 'one|two');
    before.take('t2', 'three');
    const stand = new Stand(platform, before.rows, settings, found);
    return { before, stand };
  };

  it('is sent again under its key where the platform tells them apart', () => {
    const { before, stand } = cutOff({ dedupe: 'window' });
    expect(before.said).toEqual(['one']);
    expect(stand.sent.map(({ key }) => key)).toEqual(['t1:0', 't1:1', 't2:0']);
    expect(stand.owed).toBe(0);
  });

  it('is looked for where it can be found', () => {
    const before = new Stand({ dedupe: 'lookup' });
    before.fates.push(null);
    before.take('t1', 'one|two');
    const stand = new Stand({ dedupe: 'lookup' }, structuredClone(before.rows));
    expect(stand.looked).toEqual(['t1:0']);
    expect(stand.said).toEqual(['one', 'two']);
    const found = cutOff({ dedupe: 'lookup' }, {}, 'p9').stand;
    expect(found.said).toEqual(['two', 'three']);
  });

  it('is sent again where nobody can tell, if the channel may, and else is a dead letter that says so', () => {
    expect(cutOff({}).stand.said).toEqual(['one', 'two', 'three']);
    const { stand } = cutOff({}, { redeliver: () => false });
    expect(stand.said).toEqual(['three']);
    expect(stand.dead).toMatchObject([{ key: 't1', outcome_unknown: true }]);
  });

  it('and was, is noted as soon as the disk takes it: nobody is in doubt for ever', () => {
    const stand = new Stand();
    stand.fates.push(null);
    stand.take('t1', 'one');
    stand.failing = 3;
    stand.unanswered[0]?.({ ok: true, platform_message_id: 'p1' });
    stand.settle();
    expect(stand.owed).toBe(1);
    stand.clock.advance(10_000);
    expect(stand.owed).toBe(0);
    const next = new Stand({}, stand.rows);
    expect([...stand.said, ...next.said]).toEqual(['one']);
  });

  it.each([
    ['was taken', { ok: true, platform_message_id: 'p2' } as const, ['one', 'two', 'three'], ['three']],
    ['was refused', refused('rate_limited', 10), ['one', 'two', 'two'], ['two', 'three']],
  ])('is the only one: that the one before %s is noted before there is a next', (_, answer, said, again) => {
    const stand = new Stand();
    stand.fates.push({ ok: true, platform_message_id: 'p1' }, null, null);
    stand.take('t1', 'one|two|three');
    stand.failing = 1;
    stand.unanswered[0]?.(answer);
    stand.settle();
    expect(stand.said).toEqual(['one', 'two']);
    stand.clock.advance(5_000);
    expect(stand.said).toEqual(said);
    expect(new Stand({}, stand.rows).said).toEqual(again);
  });

  it('is said to its end in another life as it was begun, also below what there was of an answer that failed', () => {
    const stand = new Stand({ typing: true, dedupe: 'window' });
    const to = { channel_id: 'c1', message_id: 'm', direct: true };
    stand.outbox.show({ session_id: 's1', turn_id: 't1', user_id: 'ann', to });
    stand.followed.get('t1')?.(1, { event: 'text_delta', data: { text: 'an|answer' } });
    stand.fates.push({ ok: true, platform_message_id: 'p1' }, null);
    stand.take('t1', 'and no|more', 'c1', 'failure');
    const parts = ['an', 'answer\n\nand no', 'more'];
    expect(stand.said).toEqual(parts.slice(0, 2));
    const next = new Stand({ dedupe: 'window' }, stand.rows);
    expect(next.said).toEqual(parts.slice(1));
    expect(next.sent.map(({ key }) => key)).toEqual(['t1:1', 't1:2']);
    expect(next.owed).toBe(0);
  });

  it('that was certainly refused is sent again whatever the channel may', () => {
    const before = new Stand();
    before.fates.push(refused('rate_limited', HOUR));
    before.take('t1', 'one');
    const stand = new Stand({}, before.rows, { redeliver: () => false });
    expect(stand.said).toEqual(['one']);
    expect(stand.dead).toEqual([]);
  });

  it('in a life that goes on is in doubt all the same', () => {
    const stand = new Stand({}, undefined, { redeliver: () => false });
    stand.fates.push(unknown);
    stand.take('t1', 'one');
    stand.clock.advance(5_000);
    expect(stand.said).toEqual(['one']);
    expect(stand.dead).toMatchObject([{ outcome_unknown: true }]);
  });
});

it('what goes out no more is still once the last of it has come back, and goes on when it may', () => {
  const stand = new Stand();
  stand.fates.push(null);
  stand.take('t1', 'one|two');
  stand.outbox.offline();
  let still = false;
  stand.outbox.still(() => {
    still = true;
  });
  stand.take('t2', 'three');
  expect([stand.said, still]).toEqual([['one'], false]);
  stand.unanswered[0]?.({ ok: true, platform_message_id: 'p1' });
  stand.settle();
  expect([stand.said, still]).toEqual([['one'], true]);
  stand.outbox.online();
  stand.settle();
  expect(stand.said).toEqual(['one', 'two', 'three']);
  expect(stand.owed).toBe(0);
});

it('what is settled is told also when somebody asked meanwhile what it knows', () => {
  const stand = new Stand();
  stand.fates.push(null);
  stand.take('t1', 'one');
  let settled = false;
  stand.outbox.settled(() => {
    settled = true;
  });
  stand.unanswered[0]?.(refused('rate_limited', HOUR));
  stand.outbox.knows('t2', () => undefined);
  expect(settled).toBe(false);
  stand.settle();
  expect([settled, stand.outbox.state().waiting]).toEqual([true, 1]);
});

describe('a reply that grows', () => {
  const shown = {
    turn_id: 't1',
    session_id: 's1',
    user_id: 'ann',
    to: { channel_id: 'c1', message_id: 'm', direct: true },
  };
  const text = (of: string): TurnEvent => ({ event: 'text_delta', data: { text: of } });

  it('is one message that ends whole, also over a life that ends in the middle', () => {
    const before = new Stand({ editing: true });
    before.outbox.show(shown);
    before.followed.get('t1')?.(1, text('a beginning that is long enough '));
    before.clock.advance(3_000);
    expect(before.said).toHaveLength(1);
    const stand = new Stand({ editing: true }, before.rows);
    expect(stand.followed.has('t1')).toBe(true);
    stand.take('t1', 'a beginning that is long enough and an end');
    stand.clock.advance(5_000);
    expect(stand.said).toEqual([]);
    expect(stand.edits.at(-1)).toBe('p1: a beginning that is long enough and an end');
    expect(stand.owed).toBe(0);
  });

  it('is no dead letter before there is an answer, though nobody knows whether its beginning was seen', () => {
    const before = new Stand({ editing: true });
    before.fates.push(null);
    before.outbox.show(shown);
    before.followed.get('t1')?.(1, text('a beginning that is long enough '));
    before.clock.advance(3_000);
    expect(before.said).toHaveLength(1);
    const stand = new Stand({ editing: true }, before.rows, { redeliver: () => false });
    stand.followed.get('t1')?.(1, text('a beginning that is long enough '));
    stand.clock.advance(3_000);
    expect(stand.said).toHaveLength(1);
    stand.take('t1', 'a beginning that is long enough and an end');
    stand.clock.advance(5_000);
    expect(stand.edits.at(-1)).toContain('and an end');
    expect(stand.dead).toEqual([]);
    const marked = [...stand.rows.rows.values()].filter(({ payload }) => payload.includes('"outcome_unknown":true'));
    expect(marked.map(({ type }) => type)).toEqual(['reply_sending']);
  });

  it('does not keep a word of the channel waiting', () => {
    const stand = new Stand({ editing: true });
    stand.outbox.show(shown);
    stand.followed.get('t1')?.(1, text('something that is being said'));
    stand.clock.advance(3_000);
    stand.take('n1', 'stopped', 'c1', 'notice');
    expect(stand.said.at(-1)).toBe('stopped');
  });

  it('that comes to nothing is forgotten', () => {
    const stand = new Stand({ editing: true });
    stand.outbox.show(shown);
    const error = { event: 'error', data: { code: 'conflict', message: '' } } as const;
    stand.followed.get('t1')?.(1, error);
    stand.clock.advance(200_000);
    expect(stand.followed.size).toBe(0);
  });
});
