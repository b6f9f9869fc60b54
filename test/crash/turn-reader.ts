// SPDX-License-Identifier: Apache-2.0
// One turn as its listener has it, over any number of connections: numbers without a gap or a repeat, deltas that add up.

import type { WireEvent } from './wire.ts';

export interface Done {
  readonly finish_reason: string;
  readonly content: string;
  readonly reply_id: string;
}

export class TurnReader {
  readonly problems: string[] = [];
  /** Every event that was seen, by number. */
  readonly seen = new Map<number, string>();
  turn_id = '';
  done: Done | null = null;
  /** The code of the error it ended with. */
  error: string | null = null;
  restarts = 0;
  #last = 0;
  #text = '';

  get over(): boolean {
    return this.done !== null || this.error !== null;
  }

  /** The header to go on with. */
  get lastEventId(): string {
    return this.#last === 0 ? '' : `${this.turn_id}:${this.#last}`;
  }

  /** Takes an event. What has no id is the edge's own word about the connection, not the turn's. */
  take({ id, event, data }: WireEvent): void {
    if (id === '') return;
    const at = id.lastIndexOf(':');
    const turn = id.slice(0, at);
    const n = Number(id.slice(at + 1));
    if (this.turn_id === '') this.turn_id = turn;
    if (turn !== this.turn_id) this.problems.push(`${id} came on the stream of ${this.turn_id}`);
    if (this.over) this.problems.push(`${id} came behind the end`);
    if (n <= this.#last) this.problems.push(`${id} came after number ${this.#last}`);
    if (n > this.#last + 1 && event !== 'turn_restarted')
      this.problems.push(`${id} (${event}) came after number ${this.#last}: some are missing`);
    if (this.#last === 0 && event !== 'turn_started') this.problems.push(`${id}: the first event is ${event}`);
    this.#last = n;
    this.seen.set(n, `${event} ${data}`);
    const body = JSON.parse(data) as Record<string, unknown>;
    switch (event) {
      case 'turn_restarted':
        this.#text = '';
        this.restarts += 1;
        break;
      case 'text_delta':
        this.#text += String(body['text']);
        break;
      case 'done':
        this.done = body as unknown as Done;
        if (this.done.content !== this.#text)
          this.problems.push(`${id}: the deltas add up to ${JSON.stringify(this.#text)}, the end says ${data}`);
        break;
      case 'error':
        this.error = String(body['code']);
        break;
      default:
        break;
    }
  }

  /** What another listener of the same turn saw otherwise. Events of an interrupted attempt may be gone, none may change. */
  differs(other: TurnReader): readonly string[] {
    const found: string[] = [];
    for (const [n, event] of other.seen) {
      const here = this.seen.get(n);
      if (here !== undefined && here !== event) found.push(`${this.turn_id}:${n} was ${here} and is ${event}`);
    }
    return found;
  }
}
