// SPDX-License-Identifier: Apache-2.0
// A provider's actor: the authority over its permits and its circuit. The streams themselves run where the lanes are.

import { type Address, address } from '../../bus/address.ts';
import type { Envelope } from '../../bus/envelope.ts';
import { failure } from '../../errors.ts';
import { type MachineActorOptions, startMachineActor } from '../machine-actor.ts';
import type { SigilBus } from '../protocols.ts';
import { type CircuitEffect, circuitMachine } from './machine.ts';
import { Permits } from './permits.ts';
import type { ProviderProtocol, ProviderStatus } from './protocol.ts';

export interface ProviderActorOptions
  extends Pick<MachineActorOptions<CircuitEffect>, 'world' | 'residents' | 'fault'> {
  readonly name: string;
  readonly bus: SigilBus;
  /** Calls at once; 0: no limit. */
  readonly max_concurrency: number;
  readonly availability: () => { readonly available: boolean; readonly message: string };
}

export interface ProviderActor {
  receive(envelope: Envelope): void;
  stop(): void;
}

/** Outcomes that are the vendor's fault, and so count against its circuit. */
const VENDOR_FAULTS: ReadonlySet<string> = new Set([
  'provider_error',
  'provider_unavailable',
  'provider_auth',
  'provider_quota',
  'provider_rate_limited',
  'provider_overloaded',
  'provider_network',
  'provider_timeout',
  'provider_ended_early',
  'deadline_exceeded',
]);

export function startProviderActor(options: ProviderActorOptions): ProviderActor {
  const { bus, world, name } = options;
  const self = address('provider', name);
  const permits = new Permits(options.max_concurrency);
  const watched = new Map<Address, () => void>();
  let calls = 0;
  let failures = 0;
  let last_error: ProviderStatus['last_error'] = null;
  const circuit = startMachineActor<CircuitEffect>({
    address: self,
    parent: address('gateway', 'root'),
    machine: circuitMachine,
    input: undefined,
    world,
    residents: options.residents,
    bus,
    fault: options.fault,
    perform: (effect, send) => {
      for (const envelope of permits.refuseAll()) refuse(envelope);
      world.after(effect.ms * (0.9 + world.random() * 0.2), () => send({ type: 'cooled' }));
    },
  });

  const refuse = (envelope: Envelope): void => {
    const why = last_error === null ? '' : ` Its last error was ${last_error.code}.`;
    bus.fail(
      envelope,
      failure('provider_unavailable', `${name}: the circuit is open after repeated failures.${why}`, {
        provider: name,
      }),
    );
  };

  /** A permit is a lease on its holder's life, which is watched from its first call to its end: it will call again. */
  const hold = (holder: Address): void => {
    if (watched.has(holder)) return;
    const unwatch = bus.watch(holder, () => {
      watched.delete(holder);
      permits.drop(holder);
      serve();
    });
    watched.set(holder, unwatch);
  };

  const serve = (): void => {
    const now = world.now();
    for (let next = permits.next(now); next !== null; next = permits.next(now))
      bus.reply(next.envelope, { permit: next.permit.id });
  };

  const request = (envelope: Envelope): void => {
    const { available, message } = options.availability();
    if (!available)
      return bus.fail(envelope, failure('provider_unavailable', `${name}: ${message}`, { provider: name }));
    const state = circuit.state();
    if (state === 'open' || (state === 'half_open' && permits.inFlight > 0)) return refuse(envelope);
    const permit = permits.request(envelope);
    if (permit === 'full')
      return bus.fail(envelope, failure('overloaded', `Too many calls wait for provider ${name}.`));
    calls += 1;
    hold(envelope.from);
    if (permit !== null) bus.reply(envelope, { permit: permit.id });
  };

  const release = (envelope: Envelope): void => {
    const { permit, outcome, message } = envelope.body as ProviderProtocol['provider.release']['body'];
    if (!permits.release(permit, envelope.from)) return;
    if (outcome === 'ok') {
      // A closed circuit that never failed has nothing to note.
      if (circuit.state() !== 'closed' || last_error !== null) circuit.send({ type: 'succeeded' });
      last_error = null;
    } else if (VENDOR_FAULTS.has(outcome)) {
      failures += 1;
      last_error = { code: outcome, message: message ?? '', at: world.iso(world.now()) };
      const event = { type: 'failed', code: outcome, at: world.now() };
      circuit.send(event);
    }
    serve();
  };

  const withdraw = (envelope: Envelope): void => {
    const { turn_id } = envelope.body as ProviderProtocol['provider.withdraw']['body'];
    const waited = permits.withdraw(envelope.from, turn_id);
    if (waited !== undefined) bus.fail(waited, failure('provider_unavailable', `${name}: the request was withdrawn.`));
    serve();
  };

  return {
    receive: (envelope) => {
      const started = world.monotonic();
      switch (envelope.type) {
        case 'provider.request':
          request(envelope);
          return circuit.note(envelope.type, started);
        case 'provider.release':
          release(envelope);
          return circuit.note(envelope.type, started);
        case 'provider.withdraw':
          withdraw(envelope);
          return circuit.note(envelope.type, started);
        case 'provider.status':
          return bus.reply(envelope, {
            name,
            state: circuit.state(),
            ...options.availability(),
            in_flight: permits.inFlight,
            waiting: permits.waiting,
            calls,
            failures,
            last_error,
            retry_at: null,
            latency: { first_event_ms: null, took_ms: null },
            models: [],
          });
        default:
          return bus.fail(envelope, failure('internal', `A provider does not understand ${envelope.type}.`));
      }
    },
    stop: () => {
      for (const unwatch of watched.values()) unwatch();
      circuit.stop();
    },
  };
}
