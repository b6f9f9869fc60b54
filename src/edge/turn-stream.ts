// SPDX-License-Identifier: Apache-2.0
// A turn's events on an event stream: framed, one write a batch, and an end with exactly one terminal event.

import { ERRORS, toFailure } from '../errors.ts';
import { endsTurn, type NumberedTurnEvent } from '../stores/turn-events.ts';
import { type EventStream, frame, WAITING_LIMIT } from './event-stream.ts';
import type { EdgePorts } from './ports.ts';
import { sharedFrames } from './shared-frames.ts';
import type { TurnSink } from './turn-follower.ts';

/** How much of the past is written before the socket is asked whether it takes more. */
const SLICE = 64 * 1024;
/** A reader of the past that takes nothing for this long is a slow one. */
const STALLED_MS = 30_000;

/** The wire form of an event: `id: <turn_id>:<n>`, its name, its data. */
export function turnFrame(numbered: NumberedTurnEvent): string {
  return frame(numbered.event.event, numbered.event.data, `${numbered.turn_id}:${numbered.n}`);
}

/**
 * What the edge says itself when a stream cannot go on. It carries no id: a listener that comes back continues after
 * the last event it really had.
 */
export function errorFrame(thrown: unknown): string {
  const { code, message } = toFailure(thrown);
  return frame('error', { code, message: code === 'internal' ? ERRORS.internal.title : message });
}

const SLOW = frame('error', {
  code: 'slow_consumer',
  message: 'Too much waited for this reader; the turn goes on and can be read again.',
});

/** A sink that writes to a stream. */
export class TurnStream implements TurnSink {
  readonly #stream: EventStream;
  /** Whether a turn's end is the stream's end. */
  readonly #single: boolean;
  readonly #point: EdgePorts['point'];

  constructor(stream: EventStream, mode: 'one turn' | 'many turns', point?: EdgePorts['point']) {
    this.#stream = stream;
    this.#single = mode === 'one turn';
    this.#point = point;
  }

  live(events: readonly NumberedTurnEvent[]): void {
    const stream = this.#stream;
    if (stream.waiting > WAITING_LIMIT) return stream.end(SLOW);
    const { frames, chunk } = sharedFrames(events, turnFrame);
    this.#write(frames, events, chunk);
  }

  async backlog(events: readonly NumberedTurnEvent[]): Promise<void> {
    const stream = this.#stream;
    let slice = '';
    let begin = 0;
    for (const [at, event] of events.entries()) {
      slice += turnFrame(event);
      if (slice.length < SLICE && at < events.length - 1) continue;
      this.#write(slice, events.slice(begin, at + 1));
      slice = '';
      begin = at + 1;
      if (stream.open && !(await stream.drained(STALLED_MS)) && stream.open) stream.end(SLOW);
      if (!stream.open) return;
    }
  }

  ended(): void {
    if (this.#single) this.#stream.end('');
  }

  failed(thrown: unknown): void {
    this.#stream.end(errorFrame(thrown));
  }

  #write(frames: string, events: readonly NumberedTurnEvent[], chunk?: Buffer): void {
    const last = events.at(-1);
    if (!this.#single || last === undefined || !endsTurn(last.event)) {
      this.#stream.write(frames, chunk);
      return;
    }
    this.#point?.('edge.stream_ending');
    this.#stream.end(frames);
    this.#point?.('edge.stream_ended');
  }
}
