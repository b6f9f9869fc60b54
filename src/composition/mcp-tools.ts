// SPDX-License-Identifier: Apache-2.0
// The tools of MCP servers as a lane thread has them: asked of each server's actor, and again whenever it says they have changed.

import { type ServerTool, TOOLS_TOPIC, type ToolList, toolNameOf } from '../actors/mcp/protocol.ts';
import type { Tool, ToolContext, ToolOutcome } from '../agent/tools/tool.ts';
import { address } from '../bus/address.ts';
import { topic } from '../bus/envelope.ts';
import { SigilError } from '../errors.ts';
import { checkedSchema } from '../mcp/checked-schema.ts';
import type { ThreadContext } from './context.ts';

export interface McpTools {
  /** Those of all servers now; the same objects as long as a server's have not changed. */
  tools(): readonly Tool[];
  /** Why a server's tool is not there; undefined for what is no server's. */
  absent(name: string): string | undefined;
  /** The config is another: servers that came are asked for their tools, those of servers that went are not there any more. */
  follow(): void;
  stop(): void;
}

/** How long an actor may take to tell its tools, and the pause before it is asked again that did not, in milliseconds. */
const TELL_WITHIN = 10_000;
const AGAIN_MS = 5_000;
/** How much longer an answer is waited for than the call may take: it is the call's own limit that is told. */
const GRACE_MS = 1_000;

interface Server {
  readonly name: string;
  tools: readonly Tool[];
  unavailable: string | null;
  /** As it was sent: where it is the same, the tools are. */
  written: string;
}

/** @param changed told when there are other tools; nothing is asked where no server is configured */
export function mcpTools(context: ThreadContext, changed: () => void): McpTools {
  const { bus, house, world, name: thread } = context;
  const from = address('thread', thread);
  const servers = new Map<string, Server>();
  const stops = new Map<string, () => void>();
  let stopped = false;

  const follow = (name: string): void => {
    const self = address('mcp', name);
    const server: Server = {
      name,
      tools: [],
      unavailable: `The MCP server ${name} is not connected yet.`,
      written: '',
    };
    servers.set(name, server);
    let asking: 'no' | 'yes' | 'again' = 'no';
    let cancel = (): void => undefined;
    let gone = false;
    const take = (list: ToolList, unavailable: string | null): void => {
      server.unavailable = unavailable;
      const written = JSON.stringify(list.tools);
      if (written === server.written) return;
      server.written = written;
      server.tools = Object.freeze(list.tools.map((tool) => toolOf(context, name, tool)));
      changed();
    };
    const ask = (): void => {
      cancel();
      if (gone) return;
      if (asking !== 'no') {
        asking = 'again';
        return;
      }
      asking = 'yes';
      bus.ask(self, 'mcp.tools', {}, { from, within: TELL_WITHIN }, (answer) => {
        const again = asking === 'again';
        asking = 'no';
        if (gone) return;
        if (answer.ok) take(answer.body.list, answer.body.unavailable);
        // Its thread ended, or has too much to do. What is known is kept: a call says itself what is wrong.
        else cancel = world.after(AGAIN_MS, ask);
        if (again) ask();
      });
    };
    const unsubscribe = bus.subscribe(
      topic<null>(self, TOOLS_TOPIC),
      { events: ask, gap: ask, lost: ask },
      { lossless: true },
    );
    stops.set(name, () => {
      gone = true;
      unsubscribe();
      cancel();
    });
    // Not at once: a thread that starts is ready first.
    cancel = world.after(0, ask);
  };
  const match = (): void => {
    if (stopped) return;
    const names = Object.keys(house.config.mcp);
    let fewer = false;
    for (const [name, stop] of stops) {
      if (names.includes(name)) continue;
      stop();
      stops.delete(name);
      fewer ||= (servers.get(name)?.tools.length ?? 0) > 0;
      servers.delete(name);
    }
    for (const name of names) if (!stops.has(name)) follow(name);
    // In the order of the config, which is the one they are offered in.
    const ordered = names.flatMap((name) => servers.get(name) ?? []);
    servers.clear();
    for (const server of ordered) servers.set(server.name, server);
    if (fewer) changed();
  };
  match();

  return {
    follow: match,
    tools: () => [...servers.values()].flatMap(({ tools }) => tools),
    absent: (name) => {
      const server = servers.get(name.split('.', 2)[1] ?? '');
      if (server === undefined || !name.startsWith(toolNameOf(server.name, ''))) return undefined;
      return server.unavailable ?? `The MCP server ${server.name} has no such tool any more.`;
    },
    stop: () => {
      stopped = true;
      for (const stop of stops.values()) stop();
    },
  };
}

function toolOf({ bus, world, house }: ThreadContext, server: string, tool: ServerTool): Tool {
  const to = address('mcp', server);
  const execute = (
    args: Readonly<Record<string, unknown>>,
    { session_id, signal }: ToolContext,
  ): Promise<ToolOutcome> =>
    new Promise((resolve, reject) => {
      const from = address('session', session_id);
      const call = world.uuid();
      const stop = (): void => void bus.send(to, 'tool.cancel', { call }, { from });
      signal.addEventListener('abort', stop, { once: true });
      const body = { call, name: tool.original, arguments: args };
      const within = house.config.sessions.tool_timeout + GRACE_MS;
      bus.ask(to, 'tool.call', body, { from, within }, (answer) => {
        signal.removeEventListener('abort', stop);
        if (answer.ok) resolve(answer.body);
        else reject(new SigilError(answer.error));
      });
    });
  return Object.freeze({
    name: toolNameOf(server, tool.name),
    description: tool.description,
    inputSchema: deepFrozen(tool.inputSchema),
    checkedSchema: checkedSchema(tool.inputSchema),
    capabilities: [],
    get timeoutMs() {
      return house.config.sessions.tool_timeout;
    },
    idempotent: tool.idempotent,
    serial: false,
    safe: false,
    approval: tool.destructive ? ('ask' as const) : ('never' as const),
    execute,
  });
}

/** What has crossed a thread is a copy and not frozen any more. */
function deepFrozen<T extends object>(value: T): T {
  for (const item of Object.values(value)) if (typeof item === 'object' && item !== null) deepFrozen(item);
  return Object.freeze(value);
}
