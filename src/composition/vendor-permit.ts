// SPDX-License-Identifier: Apache-2.0
// A call to a vendor outside of turns: under a permit of its provider's actor, which learns how it went.

import type { SigilBus } from '../actors/protocols.ts';
import { failedOutcome, type ProviderProtocol } from '../actors/provider/protocol.ts';
import { type Address, address } from '../bus/address.ts';
import { type Failure, failure, SigilError, toFailure } from '../errors.ts';
import type { World } from '../world.ts';
import { asking } from './asking.ts';

/** What a model for vectors fails of says nothing about those that chat: they have limits, and servers, of their own. */
const OF_THE_MODEL: ReadonlySet<Failure['code']> = new Set<Failure['code']>([
  'provider_rate_limited',
  'provider_overloaded',
  'provider_error',
  'provider_timeout',
]);

export interface PermitOptions {
  readonly bus: Pick<SigilBus, 'ask' | 'send'>;
  readonly world: Pick<World, 'monotonic' | 'after'>;
  readonly self: Address;
  /** Hides secrets: a vendor's error may quote the key it was sent. */
  readonly hide: (text: string) => string;
}

export type PermittedCall = ProviderProtocol['provider.request']['body'] & {
  readonly provider: string;
  /** How long it may take, the wait for its permit included, in milliseconds. */
  readonly within: number;
};

/** @throws SigilError as the provider's actor refuses, as the call fails, or `deadline_exceeded` */
export async function permitted<T>(
  { bus, world, self, hide }: PermitOptions,
  { provider, within, ...body }: PermittedCall,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const to = address('provider', provider);
  const until = world.monotonic() + within;
  const { permit } = await asking(bus, to, 'provider.request', body, { from: self, within }).catch(
    (thrown: unknown): never => {
      const { code } = toFailure(thrown);
      // It may be granted when nobody waits for it any more.
      if (code === 'deadline_exceeded' || code === 'thread_lost')
        bus.send(to, 'provider.withdraw', { turn_id: body.turn_id }, { from: self });
      if (code !== 'not_found') throw thrown;
      throw new SigilError(failure('provider_unavailable', `The provider ${provider} is not running.`));
    },
  );
  const started = world.monotonic();
  const control = new AbortController();
  const late = new SigilError(failure('deadline_exceeded', `${provider} made no vectors within ${within / 1000} s.`));
  const stop = world.after(Math.max(1, until - started), () => control.abort(late));
  const over = (outcome: Omit<ProviderProtocol['provider.release']['body'], 'permit' | 'took_ms'>): void => {
    const took_ms = world.monotonic() - started;
    bus.send(to, 'provider.release', { permit, took_ms, ...outcome }, { from: self });
  };
  try {
    const result = await call(control.signal);
    over({ outcome: 'ok', tokens: body.tokens });
    return result;
  } catch (thrown) {
    if (control.signal.aborted) {
      // Who asked would not wait longer: that says nothing about the vendor.
      over({ outcome: 'cancelled' });
      throw late;
    }
    const { message, ...failed } = toFailure(thrown);
    const error: Failure = { ...failed, message: hide(message) };
    const about = OF_THE_MODEL.has(error.code) ? ({ about: 'model' } as const) : {};
    over({ outcome: error.code, ...failedOutcome(error), ...about });
    throw new SigilError(error, { cause: thrown });
  } finally {
    stop();
  }
}
