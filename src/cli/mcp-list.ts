// SPDX-License-Identifier: Apache-2.0
// `sigil mcp list`: the MCP servers there are and how each is.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { type JsonObject, number, text } from './json-reading.ts';
import { mcpState, mcpTools, mcpTrouble } from './mcp-rows.ts';
import type { Output } from './output.ts';
import { EVERYTHING, listOf } from './pages.ts';
import { tableLines } from './table.ts';
import { oneLine } from './terminal-text.ts';

function lines(servers: readonly JsonObject[], { paint, width, terminal }: Output): readonly string[] {
  const rows = servers.map((server) => [
    oneLine(text(server['name'])),
    text(server['transport']),
    mcpState(server, paint),
    mcpTools(server),
    String(number(server['calls'])),
    String(number(server['failures'])),
    mcpTrouble(server, Date.now()),
  ]);
  const head = ['NAME', 'BY', 'STATE', 'TOOLS', 'CALLS', 'FAILED', 'MESSAGE'];
  // A person sees a line for each; what reads along gets it whole.
  const fitting = terminal ? { give: [6], width: width() } : {};
  const [first = '', ...rest] = tableLines([head, ...rows], { right: [4, 5], ...fitting });
  return [paint.dim(first), ...rest];
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const { items } = await withGateway(call, (client) => listOf(client, '/api/v1/mcp', EVERYTHING));
  if (output.json) output.document({ items, next_cursor: null });
  else if (items.length > 0) output.write(`${lines(items, output).join('\n')}\n`);
  else output.note('No MCP server is configured: add one under `mcp` in the configuration.');
  return 0;
};
