// SPDX-License-Identifier: Apache-2.0
// Runs one state chart as an actor of a thread: envelopes become its events, what it emits is done after it has moved.

import { type AnyStateMachine, type AnyStateNode, createActor, type EventObject } from 'xstate';
import type { Address } from '../bus/address.ts';
import type { Envelope } from '../bus/envelope.ts';
import { type Failure, failure, toFailure } from '../errors.ts';
import type { World } from '../world.ts';
import type { Residents } from './residents.ts';

/** What every chart may emit besides its own effects. */
export type Answering =
  | { readonly type: 'reply'; readonly to: Envelope; readonly body: unknown }
  | { readonly type: 'fail'; readonly to: Envelope; readonly error: Failure };

/** An envelope as a chart's event. */
export interface Received<T extends string, B> {
  readonly type: T;
  readonly body: B;
  readonly envelope: Envelope;
}

/** The events of a kind's protocol. */
export type EventsOf<P extends { readonly [type: string]: { readonly body: unknown } }> = {
  [T in keyof P & string]: Received<T, P[T]['body']>;
}[keyof P & string];

export interface MachineActorOptions<Effect extends { readonly type: string }> {
  readonly address: Address;
  readonly parent: Address | null;
  readonly machine: AnyStateMachine;
  readonly input: unknown;
  readonly world: World;
  readonly residents: Residents;
  readonly bus: { reply(to: Envelope, body: unknown): void; fail(to: Envelope, error: Failure): void };
  /** Does what the chart emits, but for answers. What comes of it goes back through `send`. */
  readonly perform: (effect: Effect, send: (event: EventObject) => void) => void;
  /** Its context as anybody may see it. */
  readonly context?: (context: unknown, reveal: boolean) => unknown;
  readonly fault: (address: Address, error: Failure) => void;
}

export interface MachineActor {
  receive(envelope: Envelope): void;
  send(event: EventObject): void;
  /** The state it is in, written with dots. */
  state(): string;
  /** Notes a message that was handled beside the chart. */
  note(type: string, started: number): void;
  stop(): void;
}

/** A chart's definition as plain data: XState's own, and `always`, the transitions it leaves out that need no event. */
export function chartOf(machine: AnyStateMachine): unknown {
  return JSON.parse(JSON.stringify(definitionOf(machine.root)));
}

function definitionOf(node: AnyStateNode): object {
  const states = Object.entries(node.states).map(([key, child]) => [key, definitionOf(child)] as const);
  const always = (node.always ?? []).map((transition) => transition.toJSON());
  return { ...node.definition, states: Object.fromEntries(states), ...(always.length > 0 ? { always } : {}) };
}

/** Starts an actor; it lives until it is stopped. */
export function startMachineActor<Effect extends { readonly type: string }>(
  options: MachineActorOptions<Effect>,
): MachineActor {
  const { world, residents, bus } = options;
  let emitted: (Effect | Answering)[] = [];
  let events: EventObject[] = [];
  let feeding = false;
  let stopped = false;
  const actor = createActor(options.machine, { input: options.input });
  actor.on('*', (effect) => void emitted.push(effect as unknown as Effect | Answering));
  /** It has thrown, in its chart or in what it asked for: it does nothing more and waits to be replaced. */
  let broken: Failure | null = null;
  const refuse = (event: EventObject, why: Failure): void => {
    if (!('envelope' in event)) return;
    bus.fail(event['envelope'] as Envelope, failure('internal', `${options.address} failed: ${why.message}`));
  };
  const breaks = (cause: unknown): void => {
    if (broken !== null) return;
    broken = toFailure(cause);
    options.fault(options.address, broken);
  };
  // An error inside a chart stops it; it is told once here instead of being thrown into the loop.
  actor.subscribe({ error: breaks });
  actor.start();
  const resident = residents.add(options.address, options.parent, {
    state: () => actor.getSnapshot().value,
    context: (reveal) => (options.context ?? ((context) => context))(actor.getSnapshot().context, reveal),
    machine: () => chartOf(options.machine),
  });
  const perform = (effect: Effect | Answering): void => {
    if (effect.type === 'reply')
      bus.reply((effect as Answering & { type: 'reply' }).to, (effect as Answering & { type: 'reply' }).body);
    else if (effect.type === 'fail')
      bus.fail((effect as Answering & { type: 'fail' }).to, (effect as Answering & { type: 'fail' }).error);
    else options.perform(effect as Effect, send);
  };
  const drain = (): void => {
    const effects = emitted;
    emitted = [];
    try {
      for (const effect of effects) perform(effect);
    } catch (cause) {
      breaks(cause);
    }
  };
  const send = (event: EventObject): void => {
    events.push(event);
    if (feeding || stopped) return;
    feeding = true;
    for (let next = events.shift(); next !== undefined; next = events.shift()) {
      if (broken !== null) {
        refuse(next, broken);
        continue;
      }
      const started = world.monotonic();
      const before = actor.getSnapshot();
      actor.send(next);
      const snapshot = actor.getSnapshot();
      const { state } = resident;
      residents.moved(resident, next.type, snapshot.value, started);
      if (resident.state !== state) residents.changed(resident, state);
      // An event the chart has no transition for vanishes without a trace; whoever asked must not wait for it.
      if (broken === null && snapshot === before && emitted.length === 0 && 'envelope' in next) {
        resident.failed += 1;
        bus.fail(
          next['envelope'] as Envelope,
          failure('internal', `${options.address} does not take ${next.type} while ${resident.state_name}.`),
        );
      }
      drain();
      if (broken !== null) refuse(next, broken);
    }
    feeding = false;
  };
  drain();
  return {
    receive: (envelope) => send({ type: envelope.type, body: envelope.body, envelope } as EventObject),
    send,
    state: () => resident.state_name,
    note: (type, started) => residents.moved(resident, type, actor.getSnapshot().value, started),
    stop: () => {
      stopped = true;
      events = [];
      actor.stop();
      residents.remove(resident);
    },
  };
}
