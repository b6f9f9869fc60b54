// SPDX-License-Identifier: Apache-2.0
// The window and redelivery: whatever happens between sending, taking, ending and starting, nothing is lost, doubled or swapped.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { address } from '../../src/bus/address.ts';
import { COUNT_RANGE, SharedCounter } from '../../src/bus/counter.ts';
import type { Envelope } from '../../src/bus/envelope.ts';
import { Inbox } from '../../src/bus/inbox.ts';
import { Link } from '../../src/bus/link.ts';
import { type Batch, pack, packedLength, SUBSCRIBE, unpack } from '../../src/bus/wire.ts';
import { usualRuns } from '../drawn.ts';

const TO = address('session', 'a');
const FROM = address('thread', 'main');
const WINDOW = 20;
const POISON = 'poison';

const message = (id: number, type = 'test.note'): Envelope => ({ id, to: TO, from: FROM, type, body: null });

/** Both ends of one direction, with a port between them that holds batches until they are delivered. */
class Direction {
  readonly accepted: number[] = [];
  readonly taken: { readonly id: number; readonly life: number }[] = [];
  readonly refused: number[] = [];
  readonly uncloneable: number[] = [];
  readonly inDoubt: number[] = [];
  readonly link: Link;
  private readonly counter = new SharedCounter(2, new SharedArrayBuffer(SharedCounter.bytes(2)));
  private inbox: Inbox;
  private wire: Batch[] = [];
  private life = 0;
  private nextId = 0;

  constructor() {
    this.link = new Link({
      ...{ from: 0, life: 1, to: 1, counter: this.counter, window: WINDOW },
      wake: () => undefined,
      uncloneable: ({ id }) => {
        this.uncloneable.push(id);
        return [];
      },
    });
    this.inbox = this.begin();
  }

  begin(): Inbox {
    const inbox = new Inbox(0, 1, this.counter, () => undefined);
    inbox.begin(1);
    return inbox;
  }

  send(poison: boolean): void {
    const id = ++this.nextId;
    if (!this.link.push(message(id, poison ? POISON : undefined), false)) this.refused.push(id);
    else if (!poison) this.accepted.push(id);
  }

  control(): void {
    this.link.push(message(++this.nextId, SUBSCRIBE), true);
  }

  /** Up to `most` messages of what has been delivered are taken. */
  take(most: number): void {
    const into: Envelope[] = [];
    this.inbox.take(into, most);
    for (const { id, type } of into) if (type !== SUBSCRIBE) this.taken.push({ id, life: this.life });
  }

  deliver(): void {
    const batch = this.wire.shift();
    if (batch !== undefined) this.inbox.add(batch);
  }

  up(): void {
    if (this.link.up) return;
    this.life++;
    this.inbox = this.begin();
    this.wire = [];
    const { wire } = this;
    const post = (batch: Batch) => {
      if (batch.includes(POISON)) throw new Error('cannot be cloned');
      wire.push(structuredClone(batch));
    };
    this.link.attach(this.life, { post, close: () => undefined }, [message(++this.nextId, SUBSCRIBE)]);
  }

  down(): void {
    if (!this.link.up) return;
    const { inDoubtBefore } = this.link.down();
    // A thread that has ended takes nothing any more.
    this.inbox = this.begin();
    this.wire = [];
    const takenIds = new Set(this.taken.map(({ id }) => id));
    // What is called in doubt is exactly what had been taken (and what could never be sent).
    for (const id of this.accepted) expect(id < inDoubtBefore).toBe(takenIds.has(id));
  }

  finish(): void {
    this.up();
    for (let rounds = 0; rounds < 1000; rounds++) {
      this.link.flush();
      this.deliver();
      this.take(7);
    }
  }
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('send' as const), poison: fc.integer({ min: 0, max: 15 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('control' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('deliver' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('take' as const), most: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('down' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('up' as const) }) },
);

test('every accepted message is taken by exactly one life, in order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const direction = new Direction();
      for (const each of steps) {
        if (each.do === 'send') direction.send(each.poison === 0);
        else if (each.do === 'take') direction.take(each.most);
        else if (each.do === 'flush') direction.link.flush();
        else direction[each.do]();
        // Controls are exempt: at most one a step, and one for each life.
        expect(direction.link.untaken).toBeLessThanOrEqual(WINDOW + steps.length);
      }
      direction.finish();
      expect(direction.taken.map(({ id }) => id)).toEqual(direction.accepted);
      expect(direction.taken.map(({ life }) => life)).toEqual(
        direction.taken.map(({ life }) => life).sort((a, b) => a - b),
      );
      direction.link.trim();
      expect(direction.link.untaken).toBe(0);
      direction.send(false);
      expect(direction.accepted).toHaveLength(direction.taken.length + 1);
    }),
    { numRuns: usualRuns(500) },
  );
});

test('a full window refuses at once and opens as messages are taken', () => {
  const direction = new Direction();
  direction.up();
  // The subscription that starts a life counts as one.
  for (let n = 0; n < WINDOW + 5; n++) direction.send(false);
  expect(direction.accepted).toHaveLength(WINDOW - 1);
  expect(direction.refused).toHaveLength(6);
  direction.link.flush();
  direction.deliver();
  direction.deliver();
  direction.take(1);
  direction.take(3);
  for (let n = 0; n < 10; n++) direction.send(false);
  expect(direction.accepted).toHaveLength(WINDOW - 1 + 4);
});

test('a counter belongs to a life of the sender', () => {
  const counter = new SharedCounter(2, new SharedArrayBuffer(SharedCounter.bytes(2)));
  counter.reset(0, 1, 1);
  counter.take(0, 1, 1, COUNT_RANGE + 5);
  expect(counter.taken(0, 1, 1)).toBe(5);
  expect(counter.taken(0, 2, 1)).toBe(0);
  counter.reset(0, 2, 1);
  // The receiver is still taking what the first life has sent.
  counter.take(0, 1, 1, 6);
  expect(counter.taken(0, 2, 1)).toBe(0);
  counter.take(0, 2, 1, 1);
  expect(counter.taken(0, 2, 1)).toBe(1);
});

test('packing keeps every field of every envelope', () => {
  const optional = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
  const envelope = fc
    .record({
      id: fc.nat(),
      body: fc.jsonValue(),
      reply_to: optional(fc.nat()),
      error: optional(fc.constant({ code: 'internal' as const, message: 'no', retryable: false })),
      deadline: optional(fc.nat()),
      trace: optional(fc.string()),
    })
    .map(({ id, body, ...rest }): Envelope => {
      const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
      return { id, to: TO, from: FROM, type: 'test.note', body, ...given };
    });
  fc.assert(
    fc.property(fc.array(envelope), (envelopes) => {
      const batch = pack(envelopes);
      const got: Envelope[] = [];
      for (let at = 0; at < batch.length; at += packedLength(batch, at)) got.push(unpack(batch, at));
      expect(got).toEqual(envelopes);
    }),
  );
});
