// SPDX-License-Identifier: Apache-2.0
// The state charts of a thread's lanes. A lane holds one only while it has something to do: at rest a chart knows nothing.

import { type Actor, createActor } from 'xstate';
import { type LaneEffect, sessionMachine } from './machine.ts';

/** Charts kept for the next lanes that need one; as many run at once in a busy thread. */
const KEPT = 1_024;

/** A session's chart as it runs. It starts in `idle`. */
export class Chart {
  /** What it has emitted and nobody has done yet. */
  emitted: LaneEffect[] = [];
  readonly actor: Actor<typeof sessionMachine>;
  /** What it threw; it has stopped then. */
  failed: { readonly cause: unknown } | null = null;

  constructor() {
    this.actor = createActor(sessionMachine);
    this.actor.on('*', (effect) => void this.emitted.push(effect));
    // Unheard, it would be thrown again from a timer, where it ends the whole thread.
    this.actor.subscribe({
      error: (cause) => {
        this.failed = { cause };
      },
    });
    this.actor.start();
  }

  get value(): unknown {
    return this.actor.getSnapshot().value;
  }

  get rests(): boolean {
    return this.value === RESTS;
  }
}

/** The state of a chart that nothing is asked of: the one it starts in, and the one a lane without a chart is in. */
export const RESTS = 'idle';

/**
 * A session's chart has no context, so one that has come back to `idle` is as good as a new one: it goes to whichever lane
 * moves next. An actor of its own for every lane that rests would be most of what the lane weighs.
 */
export class Charts {
  private readonly resting: Chart[] = [];

  take(): Chart {
    return this.resting.pop() ?? new Chart();
  }

  /** Takes back a chart; one that has not come to rest is stopped instead. */
  give(chart: Chart): void {
    if (chart.rests && chart.failed === null && chart.emitted.length === 0 && this.resting.length < KEPT)
      this.resting.push(chart);
    else chart.actor.stop();
  }
}
