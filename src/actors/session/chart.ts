// SPDX-License-Identifier: Apache-2.0
// Where a session's chart stands. XState takes every step once; from then on it is known, for the chart sees nothing but its event.

import { type AnyMachineSnapshot, createActor, type Snapshot } from 'xstate';
import { type LaneEffect, type LaneEvent, sessionMachine } from './machine.ts';

/** A step of the chart: where it leads, and what it asks for on the way. */
export interface ChartStep {
  readonly to: ChartPlace;
  readonly effects: readonly LaneEffect[];
}

/**
 * A place of the chart. It has no context and its events carry all that its guards can look at, so there are a handful of
 * places and a few dozen steps between them, the same for every session. An actor of its own for every session that has a
 * turn, and a snapshot made for every step, would be a third of what a turn allocates in its thread.
 */
export class ChartPlace {
  /** The chart's state value. */
  readonly value: AnyMachineSnapshot['value'];
  private readonly snapshot: Snapshot<unknown>;
  /** The steps taken from here so far, by their events, of which there is one each. */
  private readonly steps = new Map<LaneEvent, ChartStep>();

  /** @param snapshot the chart as it stands here, as XState persists it */
  constructor(value: AnyMachineSnapshot['value'], snapshot: Snapshot<unknown>) {
    this.value = value;
    this.snapshot = snapshot;
  }

  /** The step an event leads to. @throws what a guard or an action of the chart throws; nothing is remembered then. */
  after(event: LaneEvent): ChartStep {
    const known = this.steps.get(event);
    if (known !== undefined) return known;
    const step = takeStep(this.snapshot, event);
    this.steps.set(event, step);
    return step;
  }
}

/** By the state value's text: a place that is come to again is the same one. */
const places = new Map<string, ChartPlace>();

function placeOf(value: AnyMachineSnapshot['value'], snapshot: Snapshot<unknown>): ChartPlace {
  const text = JSON.stringify(value);
  const place = places.get(text) ?? new ChartPlace(value, snapshot);
  places.set(text, place);
  return place;
}

/** Lets XState take a step. */
function takeStep(from: Snapshot<unknown> | undefined, event: LaneEvent | null): ChartStep {
  const effects: LaneEffect[] = [];
  let failed: { readonly cause: unknown } | null = null;
  const actor = createActor(sessionMachine, from === undefined ? {} : { snapshot: from });
  actor.on('*', (effect) => void effects.push(effect));
  actor.subscribe({
    // Unheard, it would be thrown again from a timer, where it ends the whole thread.
    error: (cause) => {
      failed = { cause };
    },
  });
  actor.start();
  if (event !== null) actor.send(event);
  const to = placeOf(actor.getSnapshot().value, actor.getPersistedSnapshot());
  actor.stop();
  if (failed !== null) throw (failed as { readonly cause: unknown }).cause;
  return { to, effects };
}

/** Where every lane begins and where it rests: nothing is asked of it. */
export const RESTS = takeStep(undefined, null).to;
