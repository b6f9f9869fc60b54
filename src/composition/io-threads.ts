// SPDX-License-Identifier: Apache-2.0
// What lives on I/O threads under a config: a thread where nothing does is not started.

import { SANDBOX_ID } from '../actors/sandbox/protocol.ts';
import { type Address, address } from '../bus/address.ts';
import type { Config } from '../config/schema.ts';
import { STORE_IDS } from '../stores/protocol.ts';
import { asksVendors } from './embedding-choice.ts';

export function ioThreads(config: Config): readonly Address[] {
  return [
    ...(asksVendors(config) ? [address('store', STORE_IDS.vendors)] : []),
    ...Object.keys(config.channels).map((name) => address('channel', name)),
    ...Object.keys(config.mcp).map((name) => address('mcp', name)),
    ...(config.tools.exec_sandboxed.enabled ? [address('sandbox', SANDBOX_ID)] : []),
  ];
}
