// SPDX-License-Identifier: Apache-2.0
// The virtual clock and the one scheduler: what is due next runs next, on a thread that is free, and takes its time.

import type { World } from '../../src/world.ts';
import type { Chance } from './chance.ts';
import type { Trace } from './trace.ts';

/** The wall clock at the beginning of every run. */
export const EPOCH = Date.UTC(2026, 0, 5, 9, 10);
/** What the smallest step takes, in milliseconds. */
const STEP_MS = 0.01;
/** A free thread takes one of the first few things that wait for it. */
const CHOICE = 3;

/** One life of one thread, or of the process's main thread. What belongs to it stops when it is over. */
export class Life {
  readonly name: string;
  dead = false;
  /** When it has done what it does. */
  freeAt = 0;
  /** What its present step has taken so far. */
  spent = 0;
  /** What a look at the clock costs: how slow the thread is, in milliseconds. */
  readonly cost: number;
  /** For how long it was held in all. */
  held = 0;
  soonAt = 0;
  /** What runs on it may resolve promises in any step: the root, where the edge is. */
  readonly promises: boolean;
  readonly ready: Task[] = [];
  waking = false;
  private readonly endings: (() => void)[] = [];

  constructor(name: string, cost: number, promises: boolean) {
    this.name = name;
    this.cost = cost;
    this.promises = promises;
  }

  /** Told at its end. */
  atEnd(run: () => void): void {
    this.endings.push(run);
  }

  /** It is over: nothing of it runs any more, and nothing it does has an effect. */
  end(): void {
    if (this.dead) return;
    this.dead = true;
    this.ready.length = 0;
    for (const run of this.endings.splice(0)) run();
  }
}

export interface Task {
  readonly at: number;
  readonly order: number;
  /** Null: the world outside. */
  readonly life: Life | null;
  readonly what: string;
  /** Null: taken back. */
  run: (() => void) | null;
}

const WAKE = 'wake';

export class Clock {
  /** Milliseconds since the beginning. */
  now = 0;
  /** Set by whoever has resolved a promise: what waits for it is to run before the next step. */
  settle = false;
  private readonly heap: Task[] = [];
  private orders = 0;
  private current: Life | null = null;
  readonly trace: Trace;
  private readonly chance: Chance;
  private readonly turn: number;

  /** @param turn what a thread's loop takes at most to turn once, in milliseconds */
  constructor(trace: Trace, chance: Chance, turn: number) {
    this.trace = trace;
    this.chance = chance;
    this.turn = turn;
  }

  /** Runs `run` on a life after so many milliseconds, unless the life is over by then. */
  schedule(life: Life | null, ms: number, what: string, run: () => void): Task {
    const task: Task = { at: this.timeOf(life) + ms, order: ++this.orders, life, what, run };
    this.push(task);
    return task;
  }

  /** What time it is for a life: within its step later than for the others. */
  timeOf(life: Life | null): number {
    if (life === null) return this.now;
    return this.current === life ? this.now + life.spent : this.now;
  }

  /** The present step takes so much longer. */
  spend(life: Life, ms: number): void {
    if (this.current === life) life.spent += ms;
    else life.freeAt = Math.max(life.freeAt, this.now) + ms;
  }

  /** A thread does nothing for a while. */
  hold(life: Life, ms: number): void {
    life.held += ms;
    life.freeAt = Math.max(life.freeAt, this.now) + ms;
  }

  /** The world as one life sees it. */
  world(life: Life, ids: Chance): World {
    return {
      now: () => EPOCH + Math.floor(this.timeOf(life)),
      iso: (epoch) => new Date(epoch).toISOString(),
      origin: EPOCH,
      monotonic: () => {
        if (this.current !== life) return this.now;
        life.spent += life.cost;
        return this.now + life.spent;
      },
      after: (ms, run) => {
        const task = this.schedule(life, Math.max(1, ms), 'timer', run);
        return () => {
          task.run = null;
        };
      },
      soon: (run) => {
        // What was asked for first comes first.
        const at = Math.max(life.soonAt, this.timeOf(life) + this.chance.next() * this.turn);
        life.soonAt = at;
        this.push({ at, order: ++this.orders, life, what: 'soon', run });
      },
      random: () => ids.next(),
      uuid: () => uuidV7(EPOCH + Math.floor(this.timeOf(life)), ids),
    };
  }

  /** Runs the next thing. False: there is none. */
  step(): boolean {
    this.release();
    for (let task = this.pop(); task !== undefined; task = this.pop()) {
      const { life } = task;
      if (task.run === null || life?.dead) continue;
      this.now = Math.max(this.now, task.at);
      if (life === null) return this.run(task);
      if (task.what === WAKE) {
        life.waking = false;
        if (life.freeAt > this.now) {
          this.wake(life);
          continue;
        }
        const next = this.choose(life);
        if (next === undefined) continue;
        return this.run(next);
      }
      if (life.freeAt <= this.now && life.ready.length === 0) return this.run(task);
      life.ready.push(task);
      if (!life.waking) this.wake(life);
    }
    return false;
  }

  private run(task: Task): true {
    const { life, what, run } = task;
    this.trace.note(this.now, life?.name ?? 'outside', what);
    this.current = life;
    if (life !== null) {
      life.spent = 0;
      if (life.promises) this.settle = true;
    }
    run?.();
    return true;
  }

  /** The present step is over, with everything that promises have made of it. */
  private release(): void {
    const life = this.current;
    if (life === null) return;
    this.current = null;
    life.freeAt = Math.max(life.freeAt, this.now + STEP_MS + life.spent);
    if (life.ready.length > 0 && !life.waking) this.wake(life);
  }

  private wake(life: Life): void {
    life.waking = true;
    this.push({ at: Math.max(this.now, life.freeAt), order: ++this.orders, life, what: WAKE, run: () => undefined });
  }

  /** One of the first that wait; what was only put off to the loop's next turn stays in order. */
  private choose(life: Life): Task | undefined {
    const { ready } = life;
    while (ready[0]?.run === null) ready.shift();
    if (ready.length === 0) return undefined;
    let at = ready.length === 1 ? 0 : this.chance.int(Math.min(CHOICE, ready.length));
    if (ready[at]?.run === null) at = 0;
    const what = ready[at]?.what;
    at = ready.findIndex((task) => task.run !== null && task.what === what);
    return ready.splice(at, 1)[0];
  }

  private push(task: Task): void {
    const { heap } = this;
    let at = heap.length;
    heap.push(task);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || !before(task, parent)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = task;
  }

  private pop(): Task | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      let child = heap[down];
      if (child === undefined) break;
      const other = heap[down + 1];
      if (other !== undefined && before(other, child)) {
        down += 1;
        child = other;
      }
      if (!before(child, last)) break;
      heap[at] = child;
      at = down;
    }
    heap[at] = last;
    return first;
  }
}

function before(one: Task, other: Task): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

function uuidV7(at: number, chance: Chance): string {
  const hex = (bits: number): string =>
    Math.floor(chance.next() * 2 ** bits)
      .toString(16)
      .padStart(bits / 4, '0');
  const time = at.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(12)}-a${hex(12)}-${hex(24)}${hex(24)}`;
}
