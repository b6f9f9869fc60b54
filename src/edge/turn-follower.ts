// SPDX-License-Identifier: Apache-2.0
// Following a turn: record, memory and live events made into one sequence without gap or repeat, over deaths of its thread.

import { address } from '../bus/address.ts';
import { failure, SigilError } from '../errors.ts';
import { endsTurn, type NumberedTurnEvent, type TurnEventBatch } from '../stores/turn-events.ts';
import { ask, Patience, passing } from './ask.ts';
import type { EdgePorts } from './ports.ts';
import { sharedEvents } from './shared-frames.ts';

/** A turn, and the seq at which its message is durable. */
export interface TurnPlace {
  readonly session_id: string;
  readonly turn_id: string;
  readonly seq: number;
}

/** Where a turn's events go. */
export interface TurnSink {
  /** New events, now. */
  live(events: readonly NumberedTurnEvent[]): void;
  /** Events of the past; done when there is room for more. */
  backlog(events: readonly NumberedTurnEvent[]): Promise<void>;
  /** The terminal event has been given (or was already known): nothing follows. */
  ended(): void;
  /** It cannot be followed any longer. */
  failed(thrown: unknown): void;
}

/** Live events kept while the past is told; past it they are dropped and taken from the record after all. */
const MOST_WAITING = 20_000;
const WATCH_MS = 10_000;

/** Puts the events of one turn in order. Whoever owns the subscription feeds it what is published. */
export class TurnFollower {
  readonly #ports: EdgePorts;
  readonly #turn: TurnPlace;
  /** The turn that is followed: the one asked for, or the one that answers its message instead. */
  #turn_id: string;
  readonly #sink: TurnSink;
  #last: number;
  #state: 'catching' | 'live' | 'over' = 'live';
  #waiting: NumberedTurnEvent[] = [];
  /** Something may have been missed since the catching up began. */
  #again = false;
  #unwatch: () => void = () => undefined;

  /** @param from the number of the last event already known; 0: none */
  constructor(ports: EdgePorts, turn: TurnPlace, sink: TurnSink, from: number) {
    this.#ports = ports;
    this.#turn = turn;
    this.#turn_id = turn.turn_id;
    this.#sink = sink;
    this.#last = from;
  }

  get over(): boolean {
    return this.#state === 'over';
  }

  /** Asks for everything after the last known event. Call it when the subscription stands, and whenever it lost something. */
  catchUp(): void {
    if (this.#state === 'over') return;
    this.#again = true;
    if (this.#state === 'catching') return;
    this.#state = 'catching';
    void this.#untilLive();
  }

  stop(): void {
    this.#state = 'over';
    this.#waiting = [];
    this.#unwatch();
  }

  /** What was published of its session, in order: what is of other turns is passed over. */
  feedBatches(batches: readonly TurnEventBatch[]): void {
    const mine = batches.filter(({ turn_id }) => turn_id === this.#turn_id);
    const [only] = mine;
    if (only === undefined) return;
    // Its message is answered by another turn: the lane says by which.
    if (mine.some(({ answered_by }) => answered_by !== undefined)) return this.catchUp();
    // One write for what came together.
    this.feed(mine.length === 1 ? sharedEvents(only) : mine.flatMap(sharedEvents));
  }

  /** Events of this turn as they were published, in order. */
  feed(events: readonly NumberedTurnEvent[]): void {
    if (this.#state === 'over') return;
    if (this.#state === 'live') {
      if (this.#inRow(events)) return this.#showRow(events);
      const hole = this.#holeIn(events);
      this.#show(hole === -1 ? events : events.slice(0, hole));
      if (hole === -1) return;
      this.#keep(events.slice(hole));
      this.catchUp();
      return;
    }
    this.#keep(events);
  }

  /** Whether these are the very next ones, as nearly all are, and nothing comes after an end. */
  #inRow(events: readonly NumberedTurnEvent[]): boolean {
    let next = this.#last;
    for (const { n } of events) {
      next += 1;
      if (n !== next) return false;
    }
    for (let at = 0; at < events.length - 1; at += 1) {
      const event = events[at]?.event;
      if (event !== undefined && endsTurn(event)) return false;
    }
    return true;
  }

  #showRow(events: readonly NumberedTurnEvent[]): void {
    const last = events.at(-1);
    if (last === undefined) return;
    this.#last = last.n;
    this.#sink.live(events);
    if (endsTurn(last.event) && this.#state !== 'over') this.#end();
  }

  /**
   * Where numbers are missing. What arrives after a hole waits until the hole is filled. A restart skips numbers, but what
   * its lane had made durable before it failed may lie among them, told to nobody: the record knows.
   */
  #holeIn(events: readonly NumberedTurnEvent[]): number {
    let last = this.#last;
    for (const [at, { n }] of events.entries()) {
      if (n > last + 1) return at;
      last = Math.max(last, n);
    }
    return -1;
  }

  #keep(events: readonly NumberedTurnEvent[]): void {
    if (this.#waiting.length + events.length > MOST_WAITING) {
      this.#waiting = [];
      this.#again = true;
      return;
    }
    for (const event of events) this.#waiting.push(event);
  }

  /** Shows what is new among these, at once. */
  #show(events: readonly NumberedTurnEvent[]): void {
    const fresh = this.#fresh(events);
    if (fresh.length > 0) this.#sink.live(fresh);
    this.#endAfter(events);
  }

  /** Shows what is new among these as fast as its reader takes it. */
  async #tell(events: readonly NumberedTurnEvent[]): Promise<void> {
    const fresh = this.#fresh(events);
    if (fresh.length > 0) await this.#sink.backlog(fresh);
    this.#endAfter(events);
  }

  #fresh(events: readonly NumberedTurnEvent[]): readonly NumberedTurnEvent[] {
    const fresh: NumberedTurnEvent[] = [];
    for (const event of events) {
      if (event.n <= this.#last) continue;
      this.#last = event.n;
      fresh.push(event);
      if (endsTurn(event.event)) break;
    }
    return fresh;
  }

  #endAfter(events: readonly NumberedTurnEvent[]): void {
    if (this.#state !== 'over' && events.some(({ event }) => endsTurn(event))) this.#end();
  }

  #end(): void {
    this.stop();
    this.#sink.ended();
  }

  async #untilLive(): Promise<void> {
    const patience = new Patience(this.#ports.world);
    let doubted: number | undefined;
    while (this.#catching()) {
      try {
        this.#again = false;
        await this.#round();
        patience.renew();
      } catch (thrown) {
        if (!this.#catching()) return;
        try {
          await patience.after(thrown, passing);
        } catch (final) {
          if (!this.#catching()) return;
          this.stop();
          this.#sink.failed(final);
          return;
        }
        continue;
      }
      if (!this.#catching()) return;
      const waiting = this.#waiting;
      this.#waiting = [];
      if (this.#again) continue;
      const hole = this.#holeIn(waiting);
      const next = waiting[hole]?.n;
      if (next === undefined || next === doubted) {
        this.#state = 'live';
        this.#show(waiting);
        return;
      }
      // Asked once more; what is still missing then was never there.
      doubted = next;
      this.#show(waiting.slice(0, hole));
      this.#waiting = waiting.slice(hole);
    }
  }

  /** A method of its own, because the compiler believes that nothing changes during an await. */
  #catching(): boolean {
    return this.#state === 'catching';
  }

  /** Once: what the lane holds in memory, and from the record what it no longer holds. */
  async #round(): Promise<void> {
    const { bus, store } = this.#ports;
    const { session_id } = this.#turn;
    const turn_id = this.#turn_id;
    const session = address('session', session_id);
    // A lane may fail over an end it had made durable: nothing is left to do then, and nobody else would ever tell.
    this.#unwatch();
    this.#unwatch = bus.watch(session, () => this.catchUp());
    const from = this.#last;
    const watched = await ask(bus, session, 'session.watch', { turn_id, from }, WATCH_MS, turn_id);
    if (!this.#catching()) return;
    if (watched.turn_id !== turn_id) {
      // What the other one has published so far was not heard here: asked once more, it is told.
      this.#turn_id = watched.turn_id;
      this.#again = true;
      return;
    }
    const ended = watched.status === 'ended';
    if (ended || watched.first > from + 1) {
      const after = Math.max(this.#turn.seq, watched.seq);
      const record = await store.read('turn.events', { turn_id, from }, { after });
      if (!this.#catching()) return;
      await this.#tell(ended ? record.events : record.events.filter(({ n }) => n < watched.first));
      if (!this.#catching()) return;
      // Still not over here: either the listener had the terminal event, or the record is not what the lane says it is.
      if (ended && (record.ended || record.events.length === 0)) return this.#end();
      if (ended) throw new SigilError(failure('view_behind', 'The record of this turn has no end yet.'));
    }
    await this.#tell(watched.events);
  }
}
