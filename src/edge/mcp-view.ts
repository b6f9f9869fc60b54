// SPDX-License-Identifier: Apache-2.0
// MCP servers as they are shown: how each is and which tools it gave, those that were left out included.

import { type McpStatus, type ServerTool, toolNameOf } from '../actors/mcp/protocol.ts';
import { address } from '../bus/address.ts';
import { type Asked, ask, STATE_MS, tryAsk } from './ask.ts';
import type { EdgePorts } from './ports.ts';
import { Refusal } from './problem.ts';
import { quarantinedNow } from './quarantined.ts';
import type { McpItem, McpToolItem } from './schemas/mcp.ts';

/** Of one that says nothing. */
const NOTHING = {
  transport: 'stdio',
  server: null,
  tools: 0,
  skipped: [],
  skipped_count: 0,
  in_flight: 0,
  calls: 0,
  failures: 0,
  losses: 0,
  last_error: null,
  retry_at: null,
  advice: null,
} as const satisfies Partial<McpItem>;

function namesOf({ config }: EdgePorts): readonly string[] {
  return Object.keys(config.mcp);
}

/** The servers that run, in the order of the configuration. */
export async function runningServers(ports: EdgePorts): Promise<readonly McpItem[]> {
  return await Promise.all(
    namesOf(ports).map(async (name) =>
      itemOf(ports, name, await tryAsk(ports.bus, address('mcp', name), 'mcp.status', {})),
    ),
  );
}

/** All that are configured: those that run, then those that were left out. */
export async function allServers(ports: EdgePorts): Promise<readonly McpItem[]> {
  return [...(await runningServers(ports)), ...(await leftOut(ports))];
}

/** @throws Refusal `not_found` naming those there are */
export async function oneServer(ports: EdgePorts, name: string): Promise<McpItem> {
  if (namesOf(ports).includes(name))
    return itemOf(ports, name, await tryAsk(ports.bus, address('mcp', name), 'mcp.status', {}));
  const out = (await leftOut(ports)).find((one) => one.name === name);
  if (out !== undefined) return out;
  throw await unknown(ports, name);
}

/** The tools a server offers now. @throws Refusal `not_found`; SigilError when its actor does not answer */
export async function toolsOf(ports: EdgePorts, name: string): Promise<readonly McpToolItem[]> {
  if (!namesOf(ports).includes(name)) {
    if ((await leftOut(ports)).some((one) => one.name === name)) return [];
    throw await unknown(ports, name);
  }
  const { list } = await ask(ports.bus, address('mcp', name), 'mcp.tools', {}, STATE_MS);
  return list.tools.map((tool) => toolItem(name, tool));
}

/** Connects anew at once. @throws Refusal `not_found`, also for one that was left out */
export async function reconnect(ports: EdgePorts, name: string): Promise<{ readonly state: string }> {
  if (!namesOf(ports).includes(name)) throw await unknown(ports, name);
  return await ask(ports.bus, address('mcp', name), 'mcp.reconnect', {}, STATE_MS);
}

async function unknown(ports: EdgePorts, name: string): Promise<Refusal> {
  const names = [...namesOf(ports), ...(await leftOut(ports)).map((one) => one.name)];
  const known = names.length === 0 ? 'None is configured.' : `Known servers: ${names.join(', ')}.`;
  return new Refusal(
    'not_found',
    `There is no MCP server ${JSON.stringify(name.slice(0, 200).toWellFormed())}. ${known}`,
  );
}

function itemOf({ config, world }: EdgePorts, name: string, asked: Asked<McpStatus>): McpItem {
  if (asked.ok) return { ...asked.answer, advice: null };
  const { code, message } = asked.error;
  const transport = (config.mcp[name]?.url ?? '') === '' ? 'stdio' : 'http';
  const last_error = { code, message, at: world.iso(world.now()) };
  return { ...NOTHING, name, transport, state: 'unreachable', last_error };
}

/** Entries of `mcp` that are set aside. */
async function leftOut(ports: EdgePorts): Promise<readonly McpItem[]> {
  const { config, world } = ports;
  return (await quarantinedNow(ports)).flatMap(({ what, code, message, advice }) => {
    const name = /^mcp\.(.+)$/.exec(what)?.[1];
    if (name === undefined || Object.hasOwn(config.mcp, name)) return [];
    const last_error = { code, message, at: world.iso(world.now()) };
    return [{ ...NOTHING, name, state: 'quarantined' as const, last_error, advice }];
  });
}

function toolItem(server: string, { name, original: _, inputSchema, ...tool }: ServerTool): McpToolItem {
  return { name: toolNameOf(server, name), server, ...tool, input_schema: inputSchema };
}
