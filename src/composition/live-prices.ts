// SPDX-License-Identifier: Apache-2.0
// What vendors say of their prices now, kept in a thread: asked of the thread that asks vendors, and again now and then.

import { address } from '../bus/address.ts';
import type { ConfigChange } from '../config/change.ts';
import type { Price } from '../providers/pricing.ts';
import { STORE_IDS } from '../stores/protocol.ts';
import { listsPrices } from './config-scopes.ts';
import type { ThreadContext } from './context.ts';

export interface LivePrices {
  /** By `provider/model`; empty while nobody has said anything. */
  now(): ReadonlyMap<string, Price>;
  /** Whether the vendors that tell their prices have told them. */
  known(): boolean;
  /** Another configuration is in force: who tells prices may be another. */
  follow(change: Pick<ConfigChange, 'keys'>): void;
  stop(): void;
}

/** How long prices are good, how long it takes until they are asked for again when they could not be had, in milliseconds. */
const GOOD_MS = 10 * 60_000;
const AGAIN_MS = 15_000;
/** How long the vendors may take, in milliseconds. */
const WITHIN = 30_000;

const NONE: ReadonlyMap<string, Price> = new Map();

/** Nothing is asked while no vendor is configured that tells its prices. */
export function livePrices({ bus, world, house, name }: ThreadContext): LivePrices {
  const from = address('thread', name);
  let prices = NONE;
  let known = true;
  /** Counts the beginnings: what an earlier one hears is late. */
  let turn = 0;
  let asking = false;
  let cancel: () => void = () => undefined;
  const ask = (of: number): void => {
    bus.ask(address('store', STORE_IDS.vendors), 'vendors.prices', {}, { from, within: WITHIN }, (answer) => {
      if (turn !== of) return;
      if (answer.ok) {
        prices = new Map(answer.body.prices.map(({ model, input, output }) => [model, { input, output }]));
        known = answer.body.whole;
      }
      cancel = world.after(known ? GOOD_MS : AGAIN_MS, () => ask(of));
    });
  };
  const end = (): void => {
    turn += 1;
    asking = false;
    cancel();
  };
  const begin = (): void => {
    const wanted = listsPrices(house.config);
    if (!wanted) {
      end();
      [prices, known] = [NONE, true];
      return;
    }
    if (!asking) known = false;
    // What was told is good until they are heard; another vendor may be among them now.
    end();
    asking = true;
    const of = turn;
    cancel = world.after(0, () => ask(of));
  };
  if (listsPrices(house.config)) begin();
  const follow: LivePrices['follow'] = ({ keys }) => {
    if (keys.some((key) => key.startsWith('providers.'))) begin();
  };
  return { now: () => prices, known: () => known, follow, stop: end };
}
