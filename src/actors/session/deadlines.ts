// SPDX-License-Identifier: Apache-2.0
// When turns run out of time, by the second: looking for what is due costs with what is due, not with how many run.

/** Milliseconds that are one slot: a deadline is met late by up to this, never early. */
export const SLOT_MS = 1_000;

/** What has a deadline; `slot` is the order's own, 0 while it has none. */
export interface Timed {
  slot: number;
}

export class Deadlines<T extends Timed> {
  private readonly slots = new Map<number, Set<T>>();
  /** Every slot up to here has been taken. */
  private taken = 0;

  /** @param at epoch milliseconds; a time that has passed is due at the next look */
  add(member: T, at: number): void {
    const slot = this.slotOf(at);
    member.slot = slot;
    const members = this.slots.get(slot);
    if (members === undefined) this.slots.set(slot, new Set([member]));
    else members.add(member);
  }

  /** Adds a member, or brings it forward when it would come later. */
  bring(member: T, at: number): void {
    if (member.slot !== 0 && member.slot <= this.slotOf(at)) return;
    if (member.slot !== 0) this.remove(member);
    this.add(member, at);
  }

  remove(member: T): void {
    const members = this.slots.get(member.slot);
    if (members?.delete(member) && members.size === 0) this.slots.delete(member.slot);
    member.slot = 0;
  }

  private slotOf(at: number): number {
    return Math.max(this.taken + 1, Math.ceil(at / SLOT_MS));
  }

  /** Takes out what is due now. */
  due(now: number): readonly T[] {
    const upto = Math.floor(now / SLOT_MS);
    const from = this.taken + 1;
    if (upto < from) return [];
    this.taken = upto;
    const due: T[] = [];
    const take = (slot: number): void => {
      for (const member of this.slots.get(slot) ?? []) {
        member.slot = 0;
        due.push(member);
      }
      this.slots.delete(slot);
    };
    // A look a second apart passes one slot; after a leap of the clock there are fewer slots held than passed.
    if (upto - from < this.slots.size) for (let slot = from; slot <= upto; slot += 1) take(slot);
    else for (const slot of [...this.slots.keys()]) if (slot <= upto) take(slot);
    return due;
  }
}
