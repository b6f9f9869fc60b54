// SPDX-License-Identifier: Apache-2.0
// What a sync brings, and which part of it: everything but messages and who is in a room is left with the server.

import { z } from 'zod';

/** Events of a room in one answer; more of them are asked for backwards. */
export const TIMELINE = 50;

/** @param limit events of each room */
export function syncFilter(limit: number): string {
  const none = { types: [] };
  return JSON.stringify({
    presence: none,
    account_data: none,
    room: {
      account_data: none,
      ephemeral: none,
      state: none,
      timeline: { limit, types: ['m.room.message', 'm.room.encrypted', 'm.room.member'], lazy_load_members: true },
    },
  });
}

/** An event, as little as all have. */
export const matrixEvent = z.object({
  type: z.string(),
  event_id: z.string().min(1).max(255),
  sender: z.string().min(1).max(255),
  origin_server_ts: z.number(),
  state_key: z.string().optional(),
  content: z.record(z.string(), z.unknown()),
  unsigned: z
    .object({ prev_content: z.object({ membership: z.string() }).optional().catch(undefined) })
    .optional()
    .catch(undefined),
});

export type MatrixEvent = z.infer<typeof matrixEvent>;

/** What a server of somebody else's made up is passed over; the rest of the answer is not lost over it. */
export const events = z.array(z.unknown()).transform((all) =>
  all.flatMap((one) => {
    const read = matrixEvent.safeParse(one);
    return read.success ? [read.data] : [];
  }),
);

const room = z.object({
  timeline: z
    .object({ events: events.default([]), limited: z.boolean().default(false), prev_batch: z.string().optional() })
    .default({ events: [], limited: false }),
});

export const synced = z.object({
  next_batch: z.string().min(1),
  rooms: z
    .object({ join: z.record(z.string(), room).default({}), invite: z.record(z.string(), z.unknown()).default({}) })
    .default({ join: {}, invite: {} }),
});

export type SyncedRoom = z.infer<typeof room>;

/**
 * Where a room begins for who has only now joined it: behind the invitation, for people say hello before it is accepted. The
 * index of the first event that counts, or null where it was joined before.
 */
export function joinedNow(timeline: readonly MatrixEvent[], own: string): number | null {
  const mine = (membership: string) =>
    timeline.findIndex(
      ({ type, state_key, content, unsigned }) =>
        type === 'm.room.member' &&
        state_key === own &&
        content['membership'] === membership &&
        unsigned?.prev_content?.membership !== 'join',
    );
  const joined = mine('join');
  if (joined < 0) return null;
  const invited = mine('invite');
  return (invited < 0 ? joined : Math.min(invited, joined)) + 1;
}

/** How far everything is durable: answers are taken in any order, and the position moves only over a whole beginning. */
export class Position {
  readonly #batches: { readonly next: string; open: number }[] = [];
  readonly #moved: (next: string) => void;

  /** @param moved told the newest position before which nothing is open */
  constructor(moved: (next: string) => void) {
    this.#moved = moved;
  }

  /** An answer with so many messages. @returns to be called as each is durable */
  add(next: string, messages: number): () => void {
    const batch = { next, open: messages };
    this.#batches.push(batch);
    this.#move();
    return () => {
      batch.open -= 1;
      this.#move();
    };
  }

  #move(): void {
    let last: string | null = null;
    for (let first = this.#batches[0]; first !== undefined && first.open === 0; first = this.#batches[0]) {
      last = first.next;
      this.#batches.shift();
    }
    if (last !== null) this.#moved(last);
  }
}
