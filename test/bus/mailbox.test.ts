// SPDX-License-Identifier: Apache-2.0
// Mailboxes: bounded, in order, taken from in turn, and gone when empty.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { address } from '../../src/bus/address.ts';
import type { Envelope } from '../../src/bus/envelope.ts';
import { Mailboxes } from '../../src/bus/mailbox.ts';
import { Queue } from '../../src/bus/queue.ts';

const to = (name: string) => address('session', name);
const message = (id: number, name: string): Envelope => ({
  id,
  to: to(name),
  from: to('x'),
  type: 'test.note',
  body: null,
});

test('actors take turns, and one that has more than it may is refused', () => {
  const boxes = new Mailboxes(3);
  for (let id = 0; id < 5; id++) expect(boxes.add(message(id, 'flooded'), 100 + id)).toBe(id < 3);
  boxes.add(message(10, 'b'), 110);
  boxes.add(message(11, 'c'), 111);
  expect(boxes.view(to('flooded'), 150)).toEqual({ depth: 3, oldest_ms: 50 });
  const order: (number | undefined)[] = [];
  while (boxes.depth > 0) order.push(boxes.next()?.id);
  expect(order).toEqual([0, 10, 11, 1, 2]);
  expect(boxes.next()).toBeUndefined();
  expect(boxes.view(to('flooded'), 150)).toEqual({ depth: 0, oldest_ms: 0 });
});

test('whatever comes and goes, each actor gets its messages in order', () => {
  const step = fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.constant(undefined));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const boxes = new Mailboxes(1024);
      const got: Envelope[] = [];
      const next = () => {
        const envelope = boxes.next();
        if (envelope !== undefined) got.push(envelope);
      };
      steps.forEach((name, id) => {
        if (name === undefined) next();
        else boxes.add(message(id, name), 0);
      });
      while (boxes.depth > 0) next();
      for (const name of ['a', 'b', 'c']) {
        const sent = steps.flatMap((each, id) => (each === name ? [id] : []));
        expect(got.filter((each) => each.to === to(name)).map(({ id }) => id)).toEqual(sent);
      }
    }),
  );
});

test('a queue is a list', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(), { nil: undefined }), { maxLength: 5000, size: 'max' }), (steps) => {
      const queue = new Queue<number>();
      const list: number[] = [];
      for (const each of steps) {
        if (each === undefined) expect(queue.shift()).toBe(list.shift());
        else {
          queue.push(each);
          list.push(each);
        }
        expect(queue.size).toBe(list.length);
        expect(queue.peek()).toBe(list[0]);
      }
    }),
    { numRuns: 20 },
  );
});
