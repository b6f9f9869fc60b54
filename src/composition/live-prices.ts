// SPDX-License-Identifier: Apache-2.0
// What vendors say of their prices now, kept in a thread: asked of the thread that asks vendors, and again now and then.

import { address } from '../bus/address.ts';
import type { Price } from '../providers/pricing.ts';
import { STORE_IDS } from '../stores/protocol.ts';
import { listsPrices } from './config-scopes.ts';
import type { ThreadContext } from './context.ts';

export interface LivePrices {
  /** By `provider/model`; empty while nobody has said anything. */
  now(): ReadonlyMap<string, Price>;
  /** Whether the vendors that tell their prices have told them. */
  known(): boolean;
  stop(): void;
}

/** How long prices are good, how long it takes until they are asked for again when they could not be had, in milliseconds. */
const GOOD_MS = 10 * 60_000;
const AGAIN_MS = 15_000;
/** How long the vendors may take, in milliseconds. */
const WITHIN = 30_000;

const NONE: ReadonlyMap<string, Price> = new Map();
const SILENT: LivePrices = { now: () => NONE, known: () => true, stop: () => undefined };

/** Nothing is asked where no vendor that is configured tells its prices. */
export function livePrices({ bus, world, house, name }: ThreadContext): LivePrices {
  if (!listsPrices(house.config)) return SILENT;
  const from = address('thread', name);
  let prices = NONE;
  let known = false;
  let stopped = false;
  let cancel: () => void = () => undefined;
  const ask = (): void => {
    bus.ask(address('store', STORE_IDS.vendors), 'vendors.prices', {}, { from, within: WITHIN }, (answer) => {
      if (stopped) return;
      if (answer.ok) {
        prices = new Map(answer.body.prices.map(({ model, input, output }) => [model, { input, output }]));
        known = answer.body.whole;
      }
      cancel = world.after(known ? GOOD_MS : AGAIN_MS, ask);
    });
  };
  cancel = world.after(0, ask);
  return {
    now: () => prices,
    known: () => known,
    stop: () => {
      stopped = true;
      cancel();
    },
  };
}
