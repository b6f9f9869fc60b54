// SPDX-License-Identifier: Apache-2.0
// The bounded mailboxes of a thread's actors, taken from in turn. A mailbox exists only while something waits in it.

import type { Address } from './address.ts';
import type { Envelope } from './envelope.ts';
import { Queue } from './queue.ts';

/** What waits for one actor. */
export interface MailboxView {
  readonly depth: number;
  /** How long the oldest message has waited. */
  readonly oldest_ms: number;
}

interface Waiting {
  readonly envelope: Envelope;
  readonly since: number;
}

export class Mailboxes {
  /** Messages in all mailboxes. */
  depth = 0;
  private readonly capacity: number;
  private readonly boxes = new Map<Address, Queue<Waiting>>();
  /** Each actor with a mailbox once, in the order of their turns. */
  private readonly turns = new Queue<Queue<Waiting>>();

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** False: the actor's mailbox is full. */
  add(envelope: Envelope, since: number): boolean {
    let box = this.boxes.get(envelope.to);
    if (box === undefined) {
      box = new Queue();
      this.boxes.set(envelope.to, box);
      this.turns.push(box);
    } else if (box.size >= this.capacity) return false;
    box.push({ envelope, since });
    this.depth++;
    return true;
  }

  /** The next message of the actor whose turn it is. */
  next(): Envelope | undefined {
    const box = this.turns.shift();
    const waiting = box?.shift();
    if (box === undefined || waiting === undefined) return undefined;
    this.depth--;
    if (box.size > 0) this.turns.push(box);
    else this.boxes.delete(waiting.envelope.to);
    return waiting.envelope;
  }

  view(of: Address, now: number): MailboxView {
    const box = this.boxes.get(of);
    const oldest = box?.peek();
    return { depth: box?.size ?? 0, oldest_ms: oldest === undefined ? 0 : Math.max(0, now - oldest.since) };
  }
}
