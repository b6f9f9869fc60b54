// SPDX-License-Identifier: Apache-2.0
// A provider's actor: the authority over its permits and its circuits. The streams themselves run where the lanes are.

import { type Address, address } from '../../bus/address.ts';
import type { Envelope } from '../../bus/envelope.ts';
import { failure } from '../../errors.ts';
import { type MachineActor, type MachineActorOptions, startMachineActor } from '../machine-actor.ts';
import type { SigilBus } from '../protocols.ts';
import { CIRCUIT_TIMES, Circuit, type CircuitTimes } from './circuit.ts';
import { KeyWatch } from './key-watch.ts';
import { Latency } from './latency.ts';
import { type CircuitEffect, circuitMachine } from './machine.ts';
import type { MinuteLimits } from './minute.ts';
import { ModelCircuits } from './model-circuits.ts';
import { type Verdict, verdictOf } from './outcome.ts';
import { Permits } from './permits.ts';
import { Prober } from './probe.ts';
import type { CallOutcome, LastError, ProviderProtocol, ProviderStatus } from './protocol.ts';
import { neverFits, refusal, troubleText } from './refusal.ts';

export interface ProviderActorOptions
  extends MinuteLimits,
    Pick<MachineActorOptions<CircuitEffect>, 'world' | 'residents' | 'fault'> {
  readonly name: string;
  readonly bus: SigilBus;
  /** Calls at once; 0: no limit. */
  readonly max_concurrency: number;
  /** Threads that can make a call. */
  readonly lanes: readonly string[];
  /** How long the smallest call may take by the provider's timeouts, in milliseconds. */
  readonly probe_within: number;
  readonly key: {
    /** Whether its reference may stand for another one while the gateway runs. */
    readonly may_change: boolean;
    /** What a person does to give it one that works. */
    readonly advice: string;
  };
  readonly times?: CircuitTimes;
}

/** What of a provider may be set otherwise while it runs. */
export type ProviderLimits = Pick<
  ProviderActorOptions,
  'max_concurrency' | 'requests_per_minute' | 'tokens_per_minute' | 'probe_within' | 'key'
>;

export interface ProviderActor {
  receive(envelope: Envelope): void;
  /**
   * It is set otherwise.
   *
   * @param renewed whether calls go elsewhere or with another key: its circuits begin anew then
   */
  follow(limits: ProviderLimits, renewed: boolean): void;
  stop(): void;
}

/** What a probe is taken to use, in tokens. */
const PROBE_TOKENS = 32;

export function startProviderActor(options: ProviderActorOptions): ProviderActor {
  const { bus, world, name, lanes, times = CIRCUIT_TIMES } = options;
  let { key, tokens_per_minute } = options;
  const self = address('provider', name);
  const permits = new Permits({ ...options, clock: world });
  const latency = new Latency();
  const prober = new Prober({ bus, from: self, provider: name, lanes, within: options.probe_within });
  const watched = new Map<Address, () => void>();
  let calls = 0;
  let failures = 0;
  let last_error: LastError | null = null;
  let stopTimer = (): void => undefined;

  const keys = new KeyWatch({
    ...{ bus, world, from: self, provider: name, lanes, every: times.key_look },
    changed: () => own.keyChanged(),
  });

  const refuse = (circuit: Circuit, envelope: Envelope): void => {
    const { fault, retry_after_ms } = circuit;
    if (fault === null) return;
    const retry_at = world.iso(world.now() + retry_after_ms);
    bus.fail(envelope, refusal(name, { fault, retry_after_ms, retry_at }, key.advice));
  };

  /** Calls a probe's outcome back once the minute has room for it. */
  const probe = (model: string, done: (outcome: CallOutcome | null) => void): (() => void) => {
    const wait = permits.beside(PROBE_TOKENS);
    if (wait === 0) return prober.probe(model, done);
    let stop = world.after(wait, () => {
      stop = probe(model, done);
    });
    return () => stop();
  };

  const now = (): string => world.iso(world.now());
  const judged = (outcome: CallOutcome, model: string): Verdict => {
    const verdict = verdictOf(outcome, model, now);
    if (verdict.type === 'fault') last_error = verdict.fault.error;
    return verdict;
  };

  let actor: MachineActor | undefined;
  const own = new Circuit({
    world,
    times,
    run: (input, perform) => {
      const made = startMachineActor<CircuitEffect>({
        address: self,
        parent: address('gateway', 'root'),
        machine: circuitMachine,
        input,
        world,
        residents: options.residents,
        bus,
        fault: options.fault,
        context: (context) => shown(context),
        perform,
      });
      actor = made;
      return made;
    },
    opened: (fault) => {
      for (const envelope of permits.refuse()) refuse(own, envelope);
      if (fault.key_refused && key.may_change) keys.start();
    },
    closed: () => keys.forget(),
    probe: (model, done) => {
      // What it finds is about the key as it is now.
      keys.stop();
      return probe(model, (outcome) => {
        const verdict = outcome === null ? null : judged(outcome, model);
        if (verdict === null || verdict.type === 'nothing') return done(null);
        // It answers: that it does not have the model is another matter.
        const other = verdict.type === 'fault' && verdict.fault.about === 'model';
        if (other) models.failed(verdict.fault, world.monotonic());
        done(other ? { type: 'answered' } : verdict);
      });
    },
  });

  const models = new ModelCircuits({
    world,
    times,
    fault: (error) => options.fault(self, error),
    opened: (circuit, model) => {
      for (const envelope of permits.refuse(model)) refuse(circuit, envelope);
      // One of them may have been the one whose turn it was.
      serve();
    },
    probe: (model, done) => {
      // While nothing of the provider's answers there is nothing to be found out about one of its models.
      if (!own.closed) return world.after(0, () => done(null));
      return probe(model, (outcome) => {
        const verdict = outcome === null ? null : judged(outcome, model);
        if (verdict === null || verdict.type === 'nothing') return done(null);
        if (verdict.type !== 'fault' || verdict.fault.about === 'model') return done(verdict);
        own.failed(verdict.fault, world.monotonic());
        done(null);
      });
    },
  });

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
    for (let next = permits.next(); next !== null; next = permits.next())
      bus.reply(next.envelope, { permit: next.permit.id });
    stopTimer();
    const wait = permits.blocked?.ms ?? null;
    // Where somebody has to give a permit back first, that is heard of.
    if (wait !== null) stopTimer = world.after(wait, serve);
  };

  const request = (envelope: Envelope): void => {
    // A permit of a life that is over would be nobody's to give back: the next one has the same address, and lives.
    if (!bus.senderLives(envelope)) return;
    const { model, tokens } = envelope.body as ProviderProtocol['provider.request']['body'];
    if (!own.closed) return refuse(own, envelope);
    const open = models.open(model);
    if (open !== undefined) return refuse(open, envelope);
    if (!permits.fits(envelope)) return bus.fail(envelope, neverFits(name, model, tokens, tokens_per_minute));
    const permit = permits.request(envelope);
    if (permit === 'full')
      return bus.fail(envelope, failure('overloaded', `Too many calls wait for provider ${name}.`));
    calls += 1;
    hold(envelope.from);
    if (permit !== null) bus.reply(envelope, { permit: permit.id });
    // The first to wait may wait for a minute to pass, of which nobody tells.
    else if (permits.begins) serve();
  };

  const release = (envelope: Envelope): void => {
    const { permit: id, ...outcome } = envelope.body as ProviderProtocol['provider.release']['body'];
    const permit = permits.release(id, envelope.from, outcome.tokens);
    if (permit === undefined) return;
    const { model, granted } = permit;
    const verdict = judged(outcome, model);
    if (verdict.type === 'well') {
      latency.add(outcome.took_ms, outcome.first_event_ms);
      own.succeeded();
      models.succeeded(model);
    } else if (verdict.type === 'fault') {
      failures += 1;
      if (verdict.fault.about === 'model') models.failed(verdict.fault, granted);
      else own.failed(verdict.fault, granted);
    }
    serve();
  };

  const withdraw = (envelope: Envelope): void => {
    const { turn_id } = envelope.body as ProviderProtocol['provider.withdraw']['body'];
    const waited = permits.withdraw(envelope.from, turn_id);
    if (waited !== undefined) bus.fail(waited, failure('provider_unavailable', `${name}: the request was withdrawn.`));
    serve();
  };

  const status = (): ProviderStatus => {
    const { fault } = own;
    return {
      name,
      ...own.status(),
      available: fault === null,
      message: fault === null ? 'ready' : troubleText(name, fault, key.advice),
      in_flight: permits.inFlight,
      waiting: permits.waiting,
      waits_for: permits.blocked?.waits_for ?? null,
      calls,
      failures,
      probes: prober.made,
      last_error,
      latency: latency.status(),
      models: models.status(),
    };
  };

  return {
    receive: (envelope) => {
      const started = world.monotonic();
      switch (envelope.type) {
        case 'provider.request':
          request(envelope);
          return actor?.note(envelope.type, started);
        case 'provider.release':
          release(envelope);
          return actor?.note(envelope.type, started);
        case 'provider.withdraw':
          withdraw(envelope);
          return actor?.note(envelope.type, started);
        case 'provider.status':
          return bus.reply(envelope, status());
        default:
          return bus.fail(envelope, failure('internal', `A provider does not understand ${envelope.type}.`));
      }
    },
    follow: (limits, renewed) => {
      ({ key, tokens_per_minute } = limits);
      permits.follow(limits);
      prober.follow(limits.probe_within);
      if (renewed) {
        keys.forget();
        models.renew();
        own.renew();
        last_error = null;
      }
      serve();
    },
    stop: () => {
      for (const unwatch of watched.values()) unwatch();
      stopTimer();
      keys.stop();
      models.stop();
      own.stop();
    },
  };
}

/** The chart's context without what it was given of the world. */
function shown(context: unknown): unknown {
  const { input: _, ...rest } = context as Readonly<Record<string, unknown>>;
  return rest;
}
