// SPDX-License-Identifier: Apache-2.0
// The small structures lanes are kept in, each against a plain model: the order of rest, deadlines, a few entries.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Deadlines, SLOT_MS } from '../../../src/actors/session/deadlines.ts';
import { Few } from '../../../src/actors/session/few.ts';
import { RestOrder } from '../../../src/actors/session/rest-order.ts';

class Member {
  older: Member | null = null;
  newer: Member | null = null;
  slot = 0;
  readonly id: number;
  constructor(id: number) {
    this.id = id;
  }
}

const ids = fc.integer({ min: 0, max: 9 });

it('the order of rest is that of a list', () => {
  fc.assert(
    fc.property(fc.array(ids, { maxLength: 100 }), (moves) => {
      const members = Array.from({ length: 10 }, (_, id) => new Member(id));
      const order = new RestOrder<Member>();
      let model: Member[] = [];
      for (const id of moves) {
        const member = members[id];
        if (member === undefined) continue;
        if (model.includes(member)) {
          order.remove(member);
          model = model.filter((one) => one !== member);
        } else {
          order.add(member);
          model.push(member);
        }
        expect(order.size).toBe(model.length);
        const found: number[] = [];
        for (let at = order.oldest; at !== null; at = at.newer) found.push(at.id);
        expect(found).toEqual(model.map((one) => one.id));
      }
    }),
  );
});

it('deadlines are met never early, late by a slot at most, also when the clock leaps', () => {
  const move = fc.oneof(
    fc.record({ id: ids, in: fc.integer({ min: -5_000, max: 400_000 }) }),
    fc.record({ remove: ids }),
    fc.record({ pass: fc.oneof(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 1, max: 10_000_000 })) }),
  );
  fc.assert(
    fc.property(fc.array(move, { maxLength: 80 }), (moves) => {
      const members = Array.from({ length: 10 }, (_, id) => new Member(id));
      const deadlines = new Deadlines<Member>();
      const model = new Map<number, number>();
      let now = 1_700_000_000_123;
      deadlines.due(now);
      for (const step of moves) {
        if ('pass' in step) {
          now += step.pass;
          for (const { id, slot } of deadlines.due(now)) {
            expect(slot).toBe(0);
            expect(model.get(id)).toBeLessThanOrEqual(now);
            model.delete(id);
          }
          for (const at of model.values()) expect(at).toBeGreaterThan(now - SLOT_MS);
        } else if ('remove' in step) {
          const member = members[step.remove];
          if (member !== undefined && member.slot !== 0) deadlines.remove(member);
          model.delete(step.remove);
        } else {
          const member = members[step.id];
          if (member === undefined || member.slot !== 0) continue;
          deadlines.add(member, now + step.in);
          // What is late already is due at the next look that passes a slot.
          model.set(step.id, Math.max(now + step.in, Math.floor(now / SLOT_MS) * SLOT_MS));
        }
      }
    }),
  );
});

it('a few entries are those of a map', () => {
  const move = fc.record({ set: fc.boolean(), key: fc.constantFrom('a', 'b', 'c'), value: fc.integer() });
  fc.assert(
    fc.property(fc.array(move, { maxLength: 40 }), (moves) => {
      const few = new Few<number>();
      const model = new Map<string, number>();
      for (const { set, key, value } of moves) {
        if (set) {
          few.set(key, value);
          model.set(key, value);
        } else {
          few.delete(key);
          model.delete(key);
        }
        expect(few.size).toBe(model.size);
        expect(few.values()).toEqual([...model.values()]);
        for (const name of ['a', 'b', 'c']) expect(few.get(name)).toBe(model.get(name));
      }
    }),
  );
});
