// SPDX-License-Identifier: Apache-2.0
// A provider's actor by itself, on a clock that is moved by hand: sessions and lanes are the test.

import type { SigilBus } from '../../../src/actors/protocols.ts';
import { type ProviderActorOptions, startProviderActor } from '../../../src/actors/provider/actor.ts';
import type { CallOutcome, ProviderStatus } from '../../../src/actors/provider/protocol.ts';
import { Residents } from '../../../src/actors/residents.ts';
import type { KeyState } from '../../../src/actors/thread/protocol.ts';
import type { Address } from '../../../src/bus/address.ts';
import type { Answer, Envelope } from '../../../src/bus/envelope.ts';
import { type Failure, failure } from '../../../src/errors.ts';
import type { World } from '../../../src/world.ts';
import { ManualClock } from '../../stores/manual-clock.ts';
import { type Asked, asked } from './asked.ts';

/** A question to a lane that is not answered yet. */
export interface LaneQuestion {
  readonly lane: string;
  readonly type: string;
  readonly body: unknown;
  answer(reply: CallOutcome | KeyState): void;
  lose(): void;
}

export function providerStand(options: Partial<ProviderActorOptions> = {}) {
  const clock = new ManualClock();
  let ids = 0;
  const world: World = {
    now: () => 1_700_000_000_000 + clock.monotonic(),
    iso: (at) => new Date(at).toISOString(),
    monotonic: clock.monotonic,
    origin: 0,
    after: clock.after,
    soon: clock.soon,
    random: () => 0.5,
    uuid: () => `id-${++ids}`,
  };
  const residents = new Residents({
    thread: 'main',
    world,
    mailbox_capacity: 1,
    mailbox: () => ({ depth: 0, oldest_ms: 0 }),
    trace: { heard: () => false, publish: () => undefined },
  });
  const replies = new Map<number, unknown>();
  const failures = new Map<number, Failure>();
  const faults: Failure[] = [];
  const ends = new Map<Address, () => void>();
  /** Requests whose thread's life is over. */
  const stale = new Set<number>();
  let questions: LaneQuestion[] = [];
  const bus = {
    reply: (to: Envelope, body: unknown) => void replies.set(to.id, body),
    fail: (to: Envelope, error: Failure) => void failures.set(to.id, error),
    senderLives: ({ id }: Envelope) => !stale.has(id),
    watch: (of: Address, down: () => void) => {
      ends.set(of, down);
      return () => void ends.delete(of);
    },
    ask: (
      to: Address,
      type: string,
      body: unknown,
      { within }: { readonly within: number },
      answered: (answer: Answer<unknown>) => void,
    ) => {
      const question: LaneQuestion = {
        lane: to,
        type,
        body,
        answer: (reply) => settle({ ok: true, body: reply }),
        lose: () => settle({ ok: false, error: failure('thread_lost', 'It is gone.') }),
      };
      const stop = clock.after(within, () => settle({ ok: false, error: failure('deadline_exceeded', 'Late.') }));
      const settle = (answer: Answer<unknown>): void => {
        stop();
        questions = questions.filter((other) => other !== question);
        clock.soon(() => answered(answer));
        clock.settle();
      };
      questions.push(question);
    },
  } as unknown as SigilBus;
  const actor = startProviderActor({
    ...{ name: 'mine', bus, world, residents, fault: (_, error) => void faults.push(error) },
    ...{ max_concurrency: 0, requests_per_minute: 0, tokens_per_minute: 0 },
    ...{ lanes: ['lane-1', 'lane-2'], probe_within: 10_000, key: { may_change: false, advice: 'Set another.' } },
    ...options,
  });

  const request = (of: Asked = {}, how: 'live' | 'stale' = 'live'): Envelope => {
    const envelope = asked({ ...of, deadline: Number.MAX_SAFE_INTEGER });
    if (how === 'stale') stale.add(envelope.id);
    actor.receive(envelope);
    return envelope;
  };
  const permitOf = ({ id }: Envelope): number | undefined =>
    (replies.get(id) as { readonly permit: number } | undefined)?.permit;
  const refusalOf = ({ id }: Envelope): Failure | undefined => failures.get(id);
  const release = (of: Envelope, outcome: CallOutcome['outcome'], more: Partial<CallOutcome> = {}): void => {
    const body = { permit: permitOf(of), outcome, took_ms: 10, ...more };
    actor.receive({ ...of, id: -of.id, type: 'provider.release', body });
  };
  const status = (): ProviderStatus => {
    const envelope = { ...asked(), type: 'provider.status', body: {} };
    actor.receive(envelope);
    return replies.get(envelope.id) as ProviderStatus;
  };
  return {
    ...{ clock, actor, faults, ends, request, permitOf, refusalOf, release, status },
    /** A call from its permit to its end. */
    call: (outcome: CallOutcome['outcome'], of: Asked = {}, more: Partial<CallOutcome> = {}): void => {
      release(request(of), outcome, more);
    },
    /** What lanes are asked and have not answered. */
    asked: (type?: string): readonly LaneQuestion[] =>
      questions.filter((question) => type === undefined || question.type === type),
    /** The one probe that runs. */
    probe: (): LaneQuestion => {
      const [one, ...more] = questions.filter((question) => question.type === 'thread.probe');
      if (one === undefined || more.length > 0) throw new Error(`${questions.length} probes run`);
      return one;
    },
  };
}
