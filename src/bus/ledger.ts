// SPDX-License-Identifier: Apache-2.0
// What the bus counts about itself: messages by address kind, and the last dead letters with their reasons.

import type { Address, Kind } from './address.ts';
import { KINDS, kindOf } from './address.ts';
import type { Envelope } from './envelope.ts';

/** Why a message reached nobody. */
export type DeadReason =
  /** No thread hosts this kind, or the host knows no such actor. */
  | 'no_receiver'
  /** The window to its thread was full. */
  | 'overloaded'
  /** Its actor's mailbox was full. */
  | 'mailbox_full'
  /** Its receiver threw. */
  | 'fault'
  /** Its body could not be cloned. */
  | 'uncloneable'
  /** A reply to an ask that was already answered, or whose deadline had passed. */
  | 'late_reply'
  /** A reply to a thread that has ended since. */
  | 'life_over'
  /** Its thread has ended too often and rests. */
  | 'thread_lost'
  /** The bus was closed. */
  | 'closed';

export interface DeadLetter {
  readonly at: number;
  readonly to: Address;
  readonly from: Address;
  readonly type: string;
  readonly reason: DeadReason;
}

/** The counts of one address kind, by the kind a message is for. */
export interface KindCounts {
  sent: number;
  delivered: number;
  asks_in_flight: number;
  timeouts: number;
  dead_letters: number;
}

/** One link as `/debug/bus` shows it. */
export interface LinkStats {
  readonly thread: string;
  readonly life: number;
  readonly up: boolean;
  /** Envelopes not yet taken by that thread. */
  readonly untaken: number;
}

/** What `/debug/bus` shows of one thread. */
export interface BusStats {
  readonly kinds: Readonly<Record<Kind, Readonly<KindCounts>>>;
  /** The last 100, oldest first. */
  readonly dead_letters: readonly DeadLetter[];
  /** Messages from and to other threads since the start. */
  readonly messages_in: number;
  readonly messages_out: number;
  readonly asks_in_flight: number;
  /** Messages in mailboxes. */
  readonly backlog: number;
  readonly links: readonly LinkStats[];
}

const LAST = 100;

export class Ledger {
  private readonly counts = new Map<Kind, KindCounts>();
  private readonly letters: DeadLetter[] = [];
  private next = 0;

  constructor() {
    for (const kind of KINDS) {
      this.counts.set(kind, { sent: 0, delivered: 0, asks_in_flight: 0, timeouts: 0, dead_letters: 0 });
    }
  }

  /** The live counts for messages to this address. */
  of(address: Address): KindCounts {
    const kind = kindOf(address);
    let counts = this.counts.get(kind);
    if (counts === undefined) {
      counts = { sent: 0, delivered: 0, asks_in_flight: 0, timeouts: 0, dead_letters: 0 };
      this.counts.set(kind, counts);
    }
    return counts;
  }

  dead(envelope: Pick<Envelope, 'to' | 'from' | 'type'>, reason: DeadReason, at: number): void {
    this.of(envelope.to).dead_letters++;
    const { to, from, type } = envelope;
    this.letters[this.next] = { at, to, from, type, reason };
    this.next = (this.next + 1) % LAST;
  }

  byKind(): Readonly<Record<Kind, Readonly<KindCounts>>> {
    return Object.fromEntries([...this.counts].map(([kind, counts]) => [kind, { ...counts }])) as Record<
      Kind,
      KindCounts
    >;
  }

  /** The last dead letters, oldest first. */
  deadLetters(): readonly DeadLetter[] {
    return this.letters.length < LAST
      ? [...this.letters]
      : [...this.letters.slice(this.next), ...this.letters.slice(0, this.next)];
  }
}
