// SPDX-License-Identifier: Apache-2.0
// The read thread: queries over read-only connections, so that no search delays a write or a wake-up.

import { address } from '../bus/address.ts';
import { openReader } from '../stores/sqlite/open.ts';
import { bindHandlers } from './bind.ts';
import type { StartRole } from './role.ts';

export const startRead: StartRole = async (context) => {
  const reader = openReader({ dataDir: context.house.data_dir, clock: context.world });
  context.bus.host('store', bindHandlers(context, address('store', 'read'), reader.handlers));
  return { drain: (done) => done(), close: () => reader.close() };
};
