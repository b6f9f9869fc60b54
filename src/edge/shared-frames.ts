// SPDX-License-Identifier: Apache-2.0
// What several readers of one turn are told alike: its events and their frames, made once instead of once for each.

import { Buffer } from 'node:buffer';
import { eventsIn, type NumberedTurnEvent, type TurnEventBatch } from '../stores/turn-events.ts';

/**
 * The last few things made, by what they were made of: readers of a turn are told one after the other, with nothing in
 * between. A weak map of all of them would cost each delta more than making it again.
 */
class LastMade<Of extends object, Made> {
  readonly #of: (Of | undefined)[] = Array.from({ length: MEMORY });
  readonly #made: (Made | undefined)[] = Array.from({ length: MEMORY });
  #next = 0;

  get(of: Of): Made | undefined {
    const at = this.#of.indexOf(of);
    return at === -1 ? undefined : this.#made[at];
  }

  set(of: Of, made: Made): void {
    const known = this.#of.indexOf(of);
    const at = known === -1 ? this.#next : known;
    if (known === -1) this.#next = (this.#next + 1) % MEMORY;
    this.#of[at] = of;
    this.#made[at] = made;
  }
}
/** More batches of one turn seldom come together. */
const MEMORY = 4;

/** By what was published: everybody who follows here is given the same object. */
const events = new LastMade<TurnEventBatch, readonly NumberedTurnEvent[]>();

/** A batch's events, the same array for everybody. */
export function sharedEvents(batch: TurnEventBatch): readonly NumberedTurnEvent[] {
  const known = events.get(batch);
  if (known !== undefined) return known;
  const made = eventsIn(batch);
  events.set(batch, made);
  return made;
}

/** Frames as text, and as a chunk of the response once a second reader wants them. */
export interface SharedFrames {
  readonly frames: string;
  /** Undefined while only one reader has asked. */
  readonly chunk: Buffer | undefined;
}

const framed = new LastMade<readonly NumberedTurnEvent[], SharedFrames>();

/** @param frame makes the frame of one event */
export function sharedFrames(
  of: readonly NumberedTurnEvent[],
  frame: (event: NumberedTurnEvent) => string,
): SharedFrames {
  const known = framed.get(of);
  if (known?.chunk !== undefined) return known;
  if (known !== undefined) {
    const shared = { frames: known.frames, chunk: chunkOf(known.frames) };
    framed.set(of, shared);
    return shared;
  }
  let frames = '';
  for (const event of of) frames += frame(event);
  const made = { frames, chunk: undefined };
  framed.set(of, made);
  return made;
}

/** Frames as one chunk of a chunked response (RFC 9112, 7.1). */
export function chunkOf(frames: string): Buffer {
  return Buffer.from(`${Buffer.byteLength(frames).toString(16)}\r\n${frames}\r\n`);
}
