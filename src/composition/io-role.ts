// SPDX-License-Identifier: Apache-2.0
// An I/O thread: home of chat channels, of plugins and nodes, which this version cannot make, of MCP servers, of commands in the sandbox, and of what is asked of vendors outside of turns.

import { SANDBOX_ID } from '../actors/sandbox/protocol.ts';
import { type Address, address } from '../bus/address.ts';
import { placement } from '../bus/layout.ts';
import type { ConfigChange } from '../config/change.ts';
import { toFailure } from '../errors.ts';
import { STORE_IDS } from '../stores/protocol.ts';
import type { ChatChannels } from './channel-host.ts';
import type { McpServers } from './mcp-servers.ts';
import { renewedEntries } from './renewed-entries.ts';
import type { Role, StartRole } from './role.ts';
import { hostSandbox } from './sandbox.ts';
import { hostVendors } from './vendors.ts';

export const startIo: StartRole = async (context) => {
  const { house } = context;
  const here = (of: Address): boolean => placement(house.layout)(of) === context.index;
  const asksVendors = here(address('store', STORE_IDS.vendors));
  const vendors = asksVendors ? hostVendors(context) : undefined;
  let sandbox: ReturnType<typeof hostSandbox> | undefined;
  let servers: McpServers | undefined;
  let chats: ChatChannels | undefined;
  let closed = false;

  /** What the config has for this thread and is not there yet is made; what is there goes by it. */
  const apply = async (change?: ConfigChange): Promise<void> => {
    const { config } = house;
    const renewed = (of: 'channels' | 'mcp') => (change === undefined ? NONE : renewedEntries(change, of));
    // Once it is there it stays: whether commands are run is for the tool to say.
    if (config.tools.exec_sandboxed.enabled && here(address('sandbox', SANDBOX_ID))) sandbox ??= hostSandbox(context);
    const mcp = entriesOf(config.mcp, (name) => here(address('mcp', name)));
    if (servers !== undefined) servers.configure(mcp, renewed('mcp'));
    else if (Object.keys(mcp).length > 0) {
      const { hostMcpServers } = await import('./mcp-servers.ts');
      if (!closed) servers = hostMcpServers(context, mcp);
    }
    const channels = entriesOf(config.channels, (name) => here(address('channel', name)));
    if (chats !== undefined) chats.configure(channels, renewed('channels'));
    else if (Object.keys(channels).length > 0) {
      const [{ hostChatChannels }, { testChannels }] = await Promise.all([
        import('./channel-host.ts'),
        import('./channel-adapters.ts'),
      ]);
      const make = await testChannels(process.env['SIGIL_TEST_CHANNELS']);
      if (!closed) chats = hostChatChannels(context, channels, make);
    }
  };

  await apply();
  /** One after the other: what is loaded for one change is not hosted twice for the next. */
  let applied: Promise<void> = Promise.resolve();
  return {
    changed: (change) => {
      vendors?.changed(change);
      applied = applied
        .then(() => apply(change))
        .catch((thrown: unknown) => context.fault(address('thread', context.name), toFailure(thrown)));
    },
    drain: (done) => (chats === undefined ? done() : chats.drain(done)),
    close: () => {
      closed = true;
      chats?.close();
      servers?.close();
      vendors?.close();
      sandbox?.close();
    },
  } satisfies Role;
};

const NONE: ReadonlySet<string> = new Set();

function entriesOf<T>(entries: Readonly<Record<string, T>>, here: (name: string) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(entries).filter(([name]) => here(name)));
}
