// SPDX-License-Identifier: Apache-2.0
// A lane's tap on its providers' traffic: on the bus while somebody listens there, with every known secret hidden.

import { wireName } from '../actors/thread/protocol.ts';
import { address } from '../bus/address.ts';
import { topic } from '../bus/envelope.ts';
import type { WireEntry } from '../providers/wire-entry.ts';
import { createWireTap, type WireTap } from '../providers/wire-tap.ts';
import type { ThreadContext } from './context.ts';

export function wireTap({ bus, world, name, secrets }: ThreadContext): WireTap {
  const self = address('thread', name);
  const all = topic<WireEntry>(self, wireName());
  const topics = new Map<string, typeof all>();
  const topicOf = (provider: string): typeof all => {
    const known = topics.get(provider) ?? topic<WireEntry>(self, wireName(provider));
    topics.set(provider, known);
    return known;
  };
  const { redactor } = secrets;
  return createWireTap({
    world,
    heard: (provider) => bus.heard(all) || bus.heard(topicOf(provider)),
    publish: (entry) => {
      bus.publish(all, entry);
      bus.publish(topicOf(entry.provider), entry);
    },
    hide: (text) => redactor.text(text),
    hideData: (data) => redactor.data(data),
  });
}
