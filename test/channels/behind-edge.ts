// SPDX-License-Identifier: Apache-2.0
// An adapter behind the real `/webhooks/{channel}`, with what stands in for the actor between them.

import type { ChannelAdapter, WebhookRequest } from '../../src/channels/adapter.ts';
import { toFailure } from '../../src/errors.ts';
import type { Client } from '../edge/client.ts';
import { FakeHouse } from '../edge/fake-house.ts';
import { setUp } from '../edge/setup.ts';

/** An edge whose channel `hook` is the adapter's. Everything on the way between them is cloned, as between threads. */
export async function behindEdge(adapter: () => ChannelAdapter): Promise<Client> {
  const bus = new FakeHouse().bus;
  const signal = new AbortController().signal;
  const ask: typeof bus.ask = (to, type, body, _options, answered) => {
    if (to !== 'channel/hook' || type !== 'channel.webhook') throw new Error(`asked ${to} for ${type}`);
    const request = structuredClone(body) as unknown as WebhookRequest;
    Promise.resolve(adapter().webhook?.(request, { signal })).then(
      (reply) => answered({ ok: true, body: structuredClone(reply) as never }),
      (thrown: unknown) => answered({ ok: false, error: toFailure(thrown) }),
    );
  };
  const { client } = await setUp({}, { bus: { ...bus, ask }, takesWebhooks: (name) => name === 'hook' });
  return client;
}
