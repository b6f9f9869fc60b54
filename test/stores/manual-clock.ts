// SPDX-License-Identifier: Apache-2.0
// A clock that moves when it is told to, and an asker that keeps the answers.

import type { Failure } from '../../src/errors.ts';
import type { Request } from '../../src/stores/request.ts';

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** Runs `soon` work and timers in order, synchronously. */
export class ManualClock {
  #now = 0;
  #soon: (() => void)[] = [];
  readonly #timers = new Set<Timer>();

  readonly soon = (run: () => void): void => {
    this.#soon.push(run);
  };

  readonly after = (ms: number, run: () => void): (() => void) => {
    const timer = { at: this.#now + ms, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  readonly monotonic = (): number => this.#now;

  /** One turn of the loop: what was there at its beginning. False when there was nothing. */
  turn(): boolean {
    const work = this.#soon;
    this.#soon = [];
    for (const run of work) run();
    return work.length > 0;
  }

  /** Until nothing is to be done now. */
  settle(): void {
    while (this.turn());
  }

  /** Lets time pass, with everything that falls due. */
  advance(ms: number): void {
    const until = this.#now + ms;
    this.settle();
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.run();
      this.settle();
    }
    this.#now = until;
  }
}

export type Outcome<R> = { readonly ok: true; readonly body: R } | { readonly ok: false; readonly error: Failure };

/** An answer that may not be there yet. */
export interface Asked<R> {
  outcome: Outcome<R> | undefined;
}

/** Asks a handler; the answer appears in what is returned. A second answer throws. */
export function ask<B, R>(handler: (request: Request<B, R>) => void, body: B, answered?: () => void): Asked<R> {
  const asked: Asked<R> = { outcome: undefined };
  const once = (outcome: Outcome<R>): void => {
    if (asked.outcome !== undefined) throw new Error('answered twice');
    asked.outcome = outcome;
    answered?.();
  };
  handler({ body, reply: (reply) => once({ ok: true, body: reply }), fail: (error) => once({ ok: false, error }) });
  return asked;
}

/** The body of an answer that is there and good. */
export function bodyOf<R>(asked: Asked<R>): R {
  if (asked.outcome === undefined) throw new Error('not answered');
  if (!asked.outcome.ok) throw new Error(`${asked.outcome.error.code}: ${asked.outcome.error.message}`);
  return asked.outcome.body;
}

/** The code of an answer that is an error; `ok` when it is none, `waiting` when there is no answer. */
export function codeOf(asked: Asked<unknown>): string {
  if (asked.outcome === undefined) return 'waiting';
  return asked.outcome.ok ? 'ok' : asked.outcome.error.code;
}
