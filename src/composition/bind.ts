// SPDX-License-Identifier: Apache-2.0
// Binds plain handlers by message type to the bus: an envelope becomes a request with its two ways to answer.

import type { Address } from '../bus/address.ts';
import type { Envelope } from '../bus/envelope.ts';
import type { ThreadContext } from './context.ts';

interface AnyRequest {
  readonly body: unknown;
  reply(body: unknown): void;
  fail(error: Parameters<ThreadContext['bus']['fail']>[1]): void;
}

/** A receiver for `store/…` out of the store's own handlers; the store shows itself to the inspector as what it is. */
export function bindHandlers(context: ThreadContext, of: Address, handlers: object): (envelope: Envelope) => void {
  const { bus, residents, world } = context;
  const resident = residents.add(of, null, { state: () => 'open', context: () => ({}), machine: () => null });
  const byType = new Map(Object.entries(handlers) as [string, (request: AnyRequest) => void][]);
  return (envelope) => {
    const handler = byType.get(envelope.type);
    if (handler === undefined) return bus.undeliverable(envelope);
    const started = world.monotonic();
    handler({
      body: envelope.body,
      reply: (body) => bus.reply(envelope, body),
      fail: (error) => bus.fail(envelope, error),
    });
    residents.moved(resident, envelope.type, 'open', started);
  };
}
