// SPDX-License-Identifier: Apache-2.0
// Hands what a session owes to its chat channels, again and again under the same key, until each has it in its own stream.

import type { Answer } from '../../bus/envelope.ts';
import { type Failure, failure } from '../../errors.ts';
import type { Outgoing } from '../../stores/outbox.ts';
import type { ReplyHanded, ReplyLost } from '../../stores/records.ts';
import type { World } from '../../world.ts';

/** What it needs of its lane. */
export interface Handing {
  /** What is durable and owed, oldest first. */
  readonly outbox: readonly Outgoing[];
  readonly world: Pick<World, 'now' | 'random' | 'after'>;
  /** How long it is tried, in milliseconds. */
  readonly outboxAge: number;
  /** Asks a channel to take it on. */
  say(part: Outgoing, answered: (answer: Answer<{ readonly seq: number }>) => void): void;
  /** Journals that it is the channel's now, or nobody's; `then` once that is durable. */
  handed(record: ReplyHanded | ReplyLost, then: () => void): void;
  /** Runs the lane's own code from a timer. */
  guard(run: () => void): void;
}

/** First and longest pause before a channel is asked again, in milliseconds. */
const PAUSE = { first: 250, longest: 30_000 } as const;

/** One part at a time for each channel, so that they come there in their order; a channel that does not take holds up no other. */
export class HandOver {
  private readonly owner: Handing;
  private readonly busy = new Set<string>();
  private readonly timers = new Set<() => void>();
  private stopped = false;

  constructor(owner: Handing) {
    this.owner = owner;
  }

  /** Every part that is left waits for its channel to come back: what is durable stays so whatever becomes of this thread. */
  get waits(): boolean {
    return this.timers.size > 0 && this.timers.size === this.busy.size;
  }

  /** There may be something to hand over. */
  look(): void {
    if (this.stopped) return;
    for (const part of this.owner.outbox) {
      if (this.busy.has(part.channel)) continue;
      this.busy.add(part.channel);
      this.hand(part, PAUSE.first);
    }
  }

  stop(): void {
    this.stopped = true;
    for (const cancel of this.timers) cancel();
    this.timers.clear();
  }

  private hand(part: Outgoing, pause: number): void {
    this.owner.say(part, (answer) => {
      if (this.stopped) return;
      const { key, turn_id, channel } = part;
      if (answer.ok) return this.end(part, { type: 'reply_handed', turn_id, key });
      const { owner } = this;
      if (owner.world.now() - part.at >= owner.outboxAge) {
        const { code, message } = tooLate(channel, answer.error);
        return this.end(part, { type: 'reply_lost', turn_id, key, channel, code, message });
      }
      const wait = pause * (0.5 + owner.world.random());
      const cancel = owner.world.after(wait, () => {
        this.timers.delete(cancel);
        if (this.stopped) return;
        owner.guard(() => this.hand(part, Math.min(PAUSE.longest, pause * 2)));
      });
      this.timers.add(cancel);
    });
  }

  private end({ channel }: Outgoing, record: ReplyHanded | ReplyLost): void {
    this.owner.handed(record, () => {
      this.busy.delete(channel);
      this.look();
    });
  }
}

function tooLate(channel: string, why: Failure): Failure {
  return failure('deadline_exceeded', `${channel} did not take the answer in time: ${why.message}`);
}
