// SPDX-License-Identifier: Apache-2.0
// Turns that are shown on a platform while they run: what each of their events is to the reply that grows by it.

import type { TurnEvent } from '../../stores/turn-events.ts';
import type { ReplyInput } from './growing-reply.ts';
import type { OutboxPorts } from './outbox-ports.ts';
import type { Reply } from './reply-queue.ts';

/** Turns that are shown at once; what others come to is said when it is complete. */
const MOST = 1_000;

export class ShownTurns {
  readonly #follow: OutboxPorts['follow'];
  readonly #ends = new Map<string, () => void>();

  constructor(follow: OutboxPorts['follow']) {
    this.#follow = follow;
  }

  get full(): boolean {
    return this.#ends.size >= MOST;
  }

  /** Hears a reply's turn until it is told to end; an event that was heard before is not told again. */
  begin(reply: Reply, told: (input: ReplyInput) => void): void {
    const stop = this.#follow(reply.session_id, reply.key, (n, event) => {
      if (n <= reply.seen || reply.content !== null || !this.#ends.has(reply.key)) return;
      reply.seen = n;
      const input = inputOf(event);
      if (input === 'over') reply.ended = Math.max(reply.ended, 1);
      else if (input !== null) told(input);
    });
    this.#ends.set(reply.key, stop);
  }

  end({ key }: Reply): void {
    this.#ends.get(key)?.();
    this.#ends.delete(key);
  }

  stop(): void {
    for (const stop of this.#ends.values()) stop();
    this.#ends.clear();
  }
}

function inputOf(event: TurnEvent): ReplyInput | 'over' | null {
  switch (event.event) {
    case 'text_delta':
      return { type: 'text', text: event.data.text };
    case 'turn_restarted':
      return { type: 'restarted' };
    case 'tool_call':
      return { type: 'tool' };
    case 'approval_requested':
      return { type: 'waits' };
    case 'done':
    case 'error':
      return 'over';
    default:
      return null;
  }
}
