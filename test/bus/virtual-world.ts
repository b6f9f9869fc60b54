// SPDX-License-Identifier: Apache-2.0
// A world on a virtual clock, moved by hand, for several threads that share it: each can stand still or end.

import type { World } from '../../src/world.ts';

interface Timer {
  readonly at: number;
  readonly owner: string;
  readonly run: () => void;
}

interface Task {
  readonly owner: string;
  readonly run: () => void;
}

/** How long a task takes, so that time goes on while there is always something to do. */
const STEP_MS = 0.01;

export class VirtualWorlds {
  private clock = 0;
  private tasks: Task[] = [];
  private timers: Timer[] = [];
  private readonly still = new Set<string>();
  private readonly over = new Set<string>();
  private serial = 0;

  /** The world as one thread sees it; `owner` names the thread's life. */
  world(owner: string): World {
    return {
      now: () => 1_700_000_000_000 + Math.floor(this.clock),
      iso: (epoch) => new Date(epoch).toISOString(),
      monotonic: () => this.clock,
      origin: 1_700_000_000_000,
      after: (ms, run) => {
        const timer = { at: this.clock + ms, owner, run };
        this.timers.push(timer);
        return () => {
          this.timers = this.timers.filter((other) => other !== timer);
        };
      },
      soon: this.schedule(owner),
      random: () => 0.5,
      uuid: () => `00000000-0000-7000-8000-${String(++this.serial).padStart(12, '0')}`,
    };
  }

  schedule(owner: string): (run: () => void) => void {
    return (run) => void (this.over.has(owner) || this.tasks.push({ owner, run }));
  }

  /** Time passes within the present step, as if it took that long. */
  spend(ms: number): void {
    this.clock += ms;
  }

  freeze(owner: string): void {
    this.still.add(owner);
  }

  thaw(owner: string): void {
    this.still.delete(owner);
  }

  end(owner: string): void {
    this.over.add(owner);
    this.tasks = this.tasks.filter((task) => task.owner !== owner);
    this.timers = this.timers.filter((timer) => timer.owner !== owner);
  }

  /** One step: a timer that is due, else a task, else the clock goes on to the next timer. False: nothing is left to do. */
  step(): boolean {
    const timer = this.timers
      .filter((each) => !this.still.has(each.owner))
      .reduce<Timer | undefined>(
        (first, each) => (first === undefined || each.at < first.at ? each : first),
        undefined,
      );
    const at = this.tasks.findIndex((task) => !this.still.has(task.owner));
    const task = this.tasks[at];
    if (timer !== undefined && (task === undefined || timer.at <= this.clock)) {
      this.timers = this.timers.filter((other) => other !== timer);
      this.clock = Math.max(this.clock, timer.at);
      timer.run();
      return true;
    }
    if (task === undefined) return false;
    this.tasks.splice(at, 1);
    this.clock += STEP_MS;
    task.run();
    return true;
  }

  runUntil(condition: () => boolean): void {
    for (let steps = 0; !condition(); steps++) {
      if (!this.step()) throw new Error('nothing is left to do, and it has not come about');
      if (steps > 1_000_000) throw new Error('it has not come about in a million steps');
    }
  }
}
