// SPDX-License-Identifier: Apache-2.0
// An I/O thread: home of chat channels, plugins and nodes, none of which this version can make, of MCP servers, of commands in the sandbox, and of what is asked of vendors outside of turns.

import { SANDBOX_ID } from '../actors/sandbox/protocol.ts';
import { type Address, address } from '../bus/address.ts';
import { placement } from '../bus/layout.ts';
import { STORE_IDS } from '../stores/protocol.ts';
import type { StartRole } from './role.ts';
import { hostSandbox } from './sandbox.ts';
import { hostVendors } from './vendors.ts';

export const startIo: StartRole = async (context) => {
  const { layout, config } = context.house;
  const here = (of: Address): boolean => placement(layout)(of) === context.index;
  const vendors = here(address('store', STORE_IDS.vendors)) ? hostVendors(context) : undefined;
  const commands = config.tools.exec_sandboxed.enabled && here(address('sandbox', SANDBOX_ID));
  const sandbox = commands ? hostSandbox(context) : undefined;
  const names = Object.keys(config.mcp).filter((name) => here(address('mcp', name)));
  const servers = names.length > 0 ? (await import('./mcp-servers.ts')).hostMcpServers(context, names) : undefined;
  return {
    drain: (done) => done(),
    close: () => {
      servers?.close();
      vendors?.close();
      sandbox?.close();
    },
  };
};
