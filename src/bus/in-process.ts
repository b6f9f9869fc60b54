// SPDX-License-Identifier: Apache-2.0
// Pairs of ports inside one thread, with the behaviour of real ones, driven by a scheduler: for tests and the simulator.

import type { Port } from './ports.ts';
import type { Batch } from './wire.ts';

/** Runs something later, never at once; the order of several does not matter, as each takes what is next. */
export type Schedule = (run: () => void) => void;

const CLOSE: unique symbol = Symbol('close');

class PairedPort implements Port {
  other: PairedPort | undefined;
  private readonly schedule: Schedule;
  private readonly incoming: (Batch | typeof CLOSE)[] = [];
  private readonly onMessage: ((batch: Batch) => void)[] = [];
  private readonly onClose: (() => void)[] = [];
  private open = true;

  constructor(schedule: Schedule) {
    this.schedule = schedule;
  }

  postMessage(batch: Batch): void {
    // Clones even when nobody will read it: what cannot be cloned throws, as on a real port.
    const clone = structuredClone(batch);
    if (this.open) this.other?.arrive(clone);
  }

  on(event: 'message', listener: (batch: Batch) => void): void;
  on(event: 'close', listener: () => void): void;
  on(event: 'message' | 'close', listener: ((batch: Batch) => void) & (() => void)): void {
    if (event === 'close') {
      this.onClose.push(listener);
      return;
    }
    this.onMessage.push(listener);
    // What came before there was a listener was kept.
    if (this.onMessage.length === 1) for (const _ of this.incoming) this.schedule(() => this.next());
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    // This end reads nothing any more; the other one first reads what is on its way.
    this.incoming.length = 0;
    this.schedule(() => this.closed());
    this.other?.arrive(CLOSE);
  }

  private arrive(item: Batch | typeof CLOSE): void {
    if (!this.open) return;
    this.incoming.push(item);
    if (this.onMessage.length > 0 || item === CLOSE) this.schedule(() => this.next());
  }

  private next(): void {
    const [item] = this.incoming;
    if (item === undefined || !this.open || (item !== CLOSE && this.onMessage.length === 0)) return;
    this.incoming.shift();
    if (item === CLOSE) {
      this.open = false;
      this.closed();
    } else for (const listener of this.onMessage) listener(item);
  }

  private closed(): void {
    for (const listener of this.onClose.splice(0)) listener();
  }
}

/**
 * Two ports that are each other's end. What arrives is handed over in order, each batch in a call scheduled by the
 * receiving end's own schedule, so that one end can stand still.
 */
export function portPair(schedule: Schedule, otherSchedule: Schedule = schedule): readonly [Port, Port] {
  const one = new PairedPort(schedule);
  const two = new PairedPort(otherSchedule);
  one.other = two;
  two.other = one;
  return [one, two];
}
