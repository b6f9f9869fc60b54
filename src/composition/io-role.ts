// SPDX-License-Identifier: Apache-2.0
// An I/O thread: home of chat channels, of plugins and nodes, which this version cannot make, of MCP servers, of commands in the sandbox, and of what is asked of vendors outside of turns.

import { SANDBOX_ID } from '../actors/sandbox/protocol.ts';
import { type Address, address } from '../bus/address.ts';
import { placement } from '../bus/layout.ts';
import { STORE_IDS } from '../stores/protocol.ts';
import type { ChatChannels } from './chat-channels.ts';
import type { ThreadContext } from './context.ts';
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
  const channels = Object.keys(config.channels).filter((name) => here(address('channel', name)));
  const chats = channels.length > 0 ? await hostChats(context, channels) : undefined;
  return {
    drain: (done) => (chats === undefined ? done() : chats.drain(done)),
    close: () => {
      chats?.close();
      servers?.close();
      vendors?.close();
      sandbox?.close();
    },
  };
};

async function hostChats(context: ThreadContext, names: readonly string[]): Promise<ChatChannels> {
  const [{ hostChatChannels }, { testChannels }] = await Promise.all([
    import('./chat-channels.ts'),
    import('./channel-adapters.ts'),
  ]);
  return hostChatChannels(context, names, await testChannels(process.env['SIGIL_TEST_CHANNELS']));
}
