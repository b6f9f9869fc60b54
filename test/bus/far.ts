// SPDX-License-Identifier: Apache-2.0
// The other thread of the contract suite: sessions that do what they are told, and tell what they were sent.

import { address, idOf } from '../../src/bus/address.ts';
import type { Envelope, MessageType, Protocols, Topic } from '../../src/bus/envelope.ts';
import type { BusNode } from '../../src/bus/node.ts';
import type { World } from '../../src/world.ts';

type AnyProtocol = Readonly<Record<string, MessageType>>;
/** Anything goes: the bus does not look into it. */
export type AnyProtocols = Protocols & Readonly<Record<keyof Protocols, AnyProtocol>>;

/** Where everything noted is told. */
export const LOG = address('gateway', 'log');

export interface FarHooks {
  /** Stands still, as a thread in a long computation. */
  readonly freeze: () => void;
  /** Lets this many milliseconds pass, working. */
  readonly spend: (ms: number) => void;
}

/** What a listening thread has heard. */
export interface Heard {
  readonly events: readonly number[];
  readonly dropped: number;
  readonly lost: number;
}

/** Makes `bus` answer as the contract suite expects it. */
export function far(bus: BusNode<AnyProtocols>, world: World, hooks: FarHooks): void {
  const held: Envelope[] = [];
  const over = new Set<string>();
  const heard = new Map<string, { events: number[]; dropped: number; lost: number; stop: () => void }>();
  let slow = 0;

  bus.host(
    'session',
    (envelope) => {
      const { to, from, body } = envelope;
      switch (envelope.type) {
        case 'test.echo':
          return bus.reply(envelope, body);
        case 'test.note':
          bus.send(LOG, 'test.noted', { session: idOf(to), life: bus.life, seq: body }, { from: to });
          return bus.reply(envelope, bus.life);
        case 'test.hold':
          held.push(envelope);
          return;
        case 'test.release':
          for (const each of held.splice(0)) bus.reply(each, 'late');
          return bus.reply(envelope, null);
        case 'test.twice':
          bus.reply(envelope, 'first');
          return bus.reply(envelope, 'second');
        case 'test.slow':
          slow++;
          hooks.spend(1);
          return bus.reply(envelope, slow);
        case 'test.slow_count':
          return bus.reply(envelope, slow);
        case 'test.throw':
          throw new Error('thrown on purpose');
        case 'test.bad_reply':
          return bus.reply(envelope, { how: () => 'not to be cloned' });
        case 'test.freeze':
          bus.reply(envelope, null);
          world.soon(hooks.freeze);
          return;
        case 'test.end':
          over.add(to);
          bus.ended(to);
          return bus.reply(envelope, null);
        case 'test.publish': {
          const { topic, count } = body as { topic: Topic<number>; count: number };
          for (let seq = 0; seq < count; seq++) bus.publish(topic, seq);
          return bus.reply(envelope, bus.heard(topic as Topic<unknown>));
        }
        case 'test.listen': {
          const { topic, lossless } = body as { topic: Topic<number>; lossless: boolean };
          const what = { events: [] as number[], dropped: 0, lost: 0 };
          const stop = bus.subscribe(
            topic,
            {
              events: (events) => what.events.push(...events),
              gap: (dropped) => {
                what.dropped += dropped;
              },
              lost: () => {
                what.lost++;
              },
            },
            { lossless },
          );
          heard.set(topic, Object.assign(what, { stop }));
          return bus.reply(envelope, null);
        }
        case 'test.unlisten':
          heard.get(body as string)?.stop();
          return bus.reply(envelope, null);
        case 'test.heard': {
          const { events = [], dropped = 0, lost = 0 } = heard.get(body as string) ?? {};
          return bus.reply(envelope, { events: [...events], dropped, lost } satisfies Heard);
        }
        case 'test.watch':
          bus.watch(from, (reason) => bus.send(LOG, 'test.down', { of: from, reason }, { from: to }));
          return bus.reply(envelope, null);
        default:
          return bus.undeliverable(envelope);
      }
    },
    (of) => !over.has(of),
  );
}
