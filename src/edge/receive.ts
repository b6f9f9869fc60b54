// SPDX-License-Identifier: Apache-2.0
// Handing a message in at its channel's door until it is durable, and waiting for the end of its turn.

import type { Inbound } from '../actors/channel/protocol.ts';
import { type Delivered, ENDS_TOPIC, type TurnEnded } from '../actors/session/protocol.ts';
import { type Address, address } from '../bus/address.ts';
import { topic } from '../bus/envelope.ts';
import { ask, lostOnTheWay, Patience, passing } from './ask.ts';
import type { EdgePorts } from './ports.ts';

const RECEIVE_MS = 30_000;
const WATCH_MS = 10_000;
/** A waiting caller asks again after this long, should an end ever not have reached it. */
const LOOK_AGAIN_MS = 30_000;

/** Pull channels that share this door: a client says which it is by the header, and is `http` otherwise. */
export const CHANNEL_HEADER = 'x-sigil-channel';
const CHANNELS: ReadonlySet<string> = new Set(['http', 'cli']);

/** The channel a request comes by. */
export function channelOf(header: string | readonly string[] | undefined): Address<'channel'> {
  return address('channel', typeof header === 'string' && CHANNELS.has(header) ? header : 'http');
}

/** Asks only for where a turn stands, none of its events. */
const NO_EVENTS = Number.MAX_SAFE_INTEGER;

/**
 * Delivers a message. When a thread is lost over it, it is asked again under the same `message_id`: what was accepted
 * is not run twice.
 *
 * @param trace the id of the request
 * @throws SigilError as the channel or the session refused it.
 */
export async function deliver(
  ports: EdgePorts,
  channel: Address<'channel'>,
  inbound: Inbound,
  trace: string,
): Promise<Delivered> {
  const patience = new Patience(ports.world);
  for (;;) {
    try {
      const delivered = await ask(ports.bus, channel, 'channel.receive', inbound, RECEIVE_MS, trace);
      ports.began?.(delivered.turn_id, trace);
      return delivered;
    } catch (thrown) {
      await patience.after(thrown, lostOnTheWay);
    }
  }
}

/** A wait that can be given up. */
export interface Waiting {
  /** The seq at which the turn's record is whole; undefined when it was given up. */
  readonly seq: Promise<number | undefined>;
  giveUp(): void;
}

/** Waits until a turn is over, over deaths of its thread. */
export function turnEnd(ports: EdgePorts, delivered: Delivered): Waiting {
  const { bus, world } = ports;
  const session = address('session', delivered.session_id);
  const { turn_id } = delivered;
  let settle: (seq: number | undefined) => void = () => undefined;
  let fail: (thrown: unknown) => void = () => undefined;
  let over = false;
  let looking = false;
  let again = false;
  let stopTimer: () => void = () => undefined;
  let unsubscribe: () => void = () => undefined;
  const seq = new Promise<number | undefined>((resolve, reject) => {
    settle = resolve;
    fail = reject;
  });
  const end = (how: () => void): void => {
    if (over) return;
    over = true;
    unsubscribe();
    stopTimer();
    how();
  };
  const look = async (): Promise<void> => {
    again = true;
    if (looking) return;
    looking = true;
    const patience = new Patience(world);
    while (again && !over) {
      again = false;
      try {
        const watched = await ask(bus, session, 'session.watch', { turn_id, from: NO_EVENTS }, WATCH_MS, turn_id);
        if (watched.status === 'ended') end(() => settle(watched.seq));
        patience.renew();
      } catch (thrown) {
        again = true;
        await patience.after(thrown, passing).catch((final: unknown) => end(() => fail(final)));
      }
    }
    looking = false;
  };
  const lookLater = (): void => {
    stopTimer = world.after(LOOK_AGAIN_MS, () => {
      void look();
      lookLater();
    });
  };
  if (delivered.status === 'ended') {
    end(() => settle(delivered.seq));
  } else {
    // First listen, then look: an end in between is heard or seen.
    unsubscribe = bus.subscribe(
      topic<TurnEnded>(session, ENDS_TOPIC),
      {
        events: (ends) => {
          const mine = ends.find((ended) => ended.turn_id === turn_id);
          if (mine !== undefined) end(() => settle(mine.seq));
        },
        lost: () => void look(),
      },
      { lossless: true },
    );
    void look();
    lookLater();
  }
  return { seq, giveUp: () => end(() => settle(undefined)) };
}
