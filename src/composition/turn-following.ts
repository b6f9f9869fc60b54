// SPDX-License-Identifier: Apache-2.0
// Hears a turn from its beginning on, wherever its session lives: what was shown before is asked for, what comes is published.

import { namesOf } from '../actors/session/names.ts';
import type { Address } from '../bus/address.ts';
import { eventsIn, type TurnEvent, type TurnEventBatch } from '../stores/turn-events.ts';
import type { ThreadContext } from './context.ts';

/** How long a lane may take to say where a turn stands, in milliseconds. */
const WATCH_WITHIN = 10_000;

type Heard = (n: number, event: TurnEvent) => void;

/**
 * Nothing is asked of the record: what of a turn's deltas is missed is only shown later, for the whole reply comes by itself.
 *
 * @param self who listens
 */
export function followTurns(
  { bus }: Pick<ThreadContext, 'bus'>,
  self: Address,
): (session_id: string, turn_id: string, heard: Heard) => () => void {
  return (session_id, turn_id, heard) => {
    const names = namesOf(session_id);
    let live = false;
    let stopped = false;
    const early: TurnEventBatch[] = [];
    const tell = (batch: TurnEventBatch): void => {
      for (const { n, event } of eventsIn(batch)) heard(n, event);
      // Another turn answers: this one says nothing.
      if (batch.answered_by !== undefined) heard(Number.MAX_SAFE_INTEGER, OVER);
    };
    const watch = (): void => {
      const body = { turn_id, from: 0 };
      bus.ask(names.address, 'session.watch', body, { from: self, within: WATCH_WITHIN }, (answer) => {
        if (stopped) return;
        if (answer.ok && answer.body.turn_id !== turn_id) heard(Number.MAX_SAFE_INTEGER, OVER);
        else if (answer.ok) for (const { n, event } of answer.body.events) heard(n, event);
        live = true;
        for (const batch of early.splice(0)) tell(batch);
      });
    };
    const unsubscribe = bus.subscribe(
      names.turns,
      {
        events: (batches) => {
          for (const batch of batches) {
            if (batch.turn_id !== turn_id) continue;
            if (live) tell(batch);
            else early.push(batch);
          }
        },
        lost: () => {
          live = false;
          watch();
        },
      },
      { lossless: true },
    );
    watch();
    return () => {
      stopped = true;
      unsubscribe();
    };
  };
}

const OVER: TurnEvent = { event: 'error', data: { code: 'conflict', message: '' } };
