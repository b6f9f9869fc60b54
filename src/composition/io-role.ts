// SPDX-License-Identifier: Apache-2.0
// An I/O thread: home of chat channels, plugins and nodes, none of which this version can make, and of what is asked of vendors outside of turns.

import { address } from '../bus/address.ts';
import { placement } from '../bus/layout.ts';
import { STORE_IDS } from '../stores/protocol.ts';
import type { StartRole } from './role.ts';
import { hostVendors } from './vendors.ts';

export const startIo: StartRole = async (context) => {
  const here = placement(context.house.layout)(address('store', STORE_IDS.vendors)) === context.index;
  const vendors = here ? hostVendors(context) : undefined;
  return { drain: (done) => done(), close: () => vendors?.close() };
};
