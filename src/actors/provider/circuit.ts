// SPDX-License-Identifier: Apache-2.0
// One circuit at work: does what its chart asks for. Its cooldown is a timer, its probe a question to a lane.

import type { World } from '../../world.ts';
import type { CircuitEffect, CircuitEvent, CircuitInput, Cooldown } from './machine.ts';
import type { Fault, Verdict } from './outcome.ts';
import type { CircuitStatus, LastError } from './protocol.ts';

/** How long things about circuits take, in milliseconds. */
export interface CircuitTimes extends Cooldown {
  /** Until a probe is made again that could not be made. */
  readonly probe_again: number;
  /** From one look at a key that was refused to the next. */
  readonly key_look: number;
}

export const CIRCUIT_TIMES: CircuitTimes = {
  first: 30_000,
  longest: 300_000,
  probe_again: 5_000,
  key_look: 3_000,
};

/** A chart that runs. */
export interface Chart {
  send(event: CircuitEvent): void;
  /** The state it is in. */
  state(): string;
  stop(): void;
}

export type RunChart = (input: CircuitInput, perform: (effect: CircuitEffect) => void) => Chart;

export interface CircuitOptions {
  readonly world: World;
  readonly times: CircuitTimes;
  readonly run: RunChart;
  /** It has opened, first or again: what waits is refused. */
  readonly opened: (fault: Fault) => void;
  readonly closed: () => void;
  /**
   * Makes one probe of a model. Calls back once, with null when it could not be made. Returns the way to give it up, after
   * which nothing is called back.
   */
  readonly probe: (model: string, done: (verdict: Verdict | null) => void) => () => void;
}

export class Circuit {
  private readonly options: CircuitOptions;
  private readonly chart: Chart;
  /** Since when it is closed, by the clock that never goes back. */
  private closed_at = Number.NEGATIVE_INFINITY;
  /** When a call last went well, by the same clock. */
  private well_at = Number.NEGATIVE_INFINITY;
  /** It has something to forget. */
  private troubled = false;
  private retry_at = 0;
  private cause: Fault | null = null;
  private error: LastError | null = null;
  private stopTimer = (): void => undefined;
  private stopProbe = (): void => undefined;

  constructor(options: CircuitOptions) {
    this.options = options;
    const { world, times } = options;
    const input = { now: () => world.now(), random: () => world.random(), cooldown: times };
    this.chart = options.run(input, (effect) => this.perform(effect));
  }

  get state(): string {
    return this.chart.state();
  }

  get closed(): boolean {
    return this.chart.state() === 'closed';
  }

  /** Closed, and no failure is remembered. */
  get well(): boolean {
    return !this.troubled;
  }

  /** Why it is open; null while it is closed. */
  get fault(): Fault | null {
    return this.cause;
  }

  /** Until it is tried again, in milliseconds; at least a moment, for that takes one. */
  get retry_after_ms(): number {
    return Math.max(1_000, this.retry_at - this.options.world.now());
  }

  status(): CircuitStatus {
    const { world } = this.options;
    const retry_at = this.cause === null ? null : world.iso(this.retry_at);
    return { state: this.state, retry_at, last_error: this.error };
  }

  succeeded(): void {
    this.well_at = this.options.world.monotonic();
    // One that never failed has nothing to note.
    if (!this.troubled) return;
    this.troubled = false;
    this.chart.send({ type: 'succeeded' });
  }

  /**
   * @param granted when the call got its permit: what was under way before the vendor came back says nothing about how it
   * is now
   */
  failed(fault: Fault, granted: number): void {
    this.error = fault.error;
    if (granted < this.closed_at) return;
    this.troubled = true;
    // Whoever asks next would wait as long; unless another was answered meanwhile, and only this one was not.
    const silent = fault.error.code === 'provider_timeout' && this.well_at < granted;
    this.chart.send({ type: 'failed', fault: silent ? { ...fault, at_once: true } : fault });
  }

  keyChanged(): void {
    this.chart.send({ type: 'key_changed' });
  }

  /** What it is about is another now: whatever happened before says nothing of it. */
  renew(): void {
    this.closed_at = this.options.world.monotonic();
    this.error = null;
    this.troubled = false;
    this.chart.send({ type: 'succeeded' });
  }

  stop(): void {
    this.stopTimer();
    this.stopProbe();
    this.chart.stop();
  }

  private perform(effect: CircuitEffect): void {
    const { world, times } = this.options;
    switch (effect.type) {
      case 'opened':
        this.cause = effect.fault;
        this.cool(effect.retry_at);
        return this.options.opened(effect.fault);
      case 'longer':
        return this.cool(effect.retry_at);
      case 'probe':
        this.stopTimer();
        return this.probe(effect.model);
      case 'probe_later':
        this.stopTimer = world.after(times.probe_again, () => this.probe(effect.model));
        return;
      case 'closed':
        this.stopTimer();
        this.stopProbe();
        this.cause = null;
        this.troubled = false;
        this.closed_at = world.monotonic();
        return this.options.closed();
      default:
        effect satisfies never;
    }
  }

  private cool(retry_at: number): void {
    const { world } = this.options;
    this.retry_at = retry_at;
    this.stopTimer();
    this.stopTimer = world.after(Math.max(0, retry_at - world.now()), () => this.chart.send({ type: 'cooled' }));
  }

  private probe(model: string): void {
    this.stopProbe = this.options.probe(model, (verdict) => {
      if (verdict === null) return this.chart.send({ type: 'probe_lost' });
      if (verdict.type !== 'fault') return this.chart.send({ type: 'succeeded' });
      this.error = verdict.fault.error;
      this.chart.send({ type: 'probe_failed', fault: verdict.fault });
    });
  }
}
