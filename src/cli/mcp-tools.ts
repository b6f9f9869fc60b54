// SPDX-License-Identifier: Apache-2.0
// `sigil mcp tools`: the tools MCP servers offer, as workspaces allow them, and those that are left out.

import type { GatewayClient } from './client.ts';
import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { type JsonObject, number, object, objects, text } from './json-reading.ts';
import type { Output } from './output.ts';
import { EVERYTHING, listOf } from './pages.ts';
import { tableLines } from './table.ts';
import { oneLine } from './terminal-text.ts';

interface Offered {
  readonly server: JsonObject;
  readonly tools: readonly JsonObject[];
}

async function offered(client: GatewayClient, name: string | undefined): Promise<readonly Offered[]> {
  const servers =
    name === undefined
      ? (await listOf(client, '/api/v1/mcp', EVERYTHING)).items
      : [object(await client.get(`/api/v1/mcp/${encodeURIComponent(name)}`))];
  return await Promise.all(
    servers.map(async (server) => {
      if (server['state'] === 'unreachable') return { server, tools: [] };
      const path = `/api/v1/mcp/${encodeURIComponent(text(server['name']))}/tools`;
      return { server, tools: (await listOf(client, path, EVERYTHING)).items };
    }),
  );
}

/** What a server says of a tool that matters to whoever allows it. */
function hints(tool: JsonObject): string {
  if (tool['destructive'] === true) return 'asks first';
  return tool['read_only'] === true ? 'only looks' : '';
}

function lines(all: readonly Offered[], { paint, width, terminal }: Output): readonly string[] {
  const rows = all.flatMap(({ tools }) =>
    tools.map((tool) => [oneLine(text(tool['name'])), hints(tool), oneLine(text(tool['description']))]),
  );
  const fitting = terminal ? { give: [2], width: width() } : {};
  const [first = '', ...rest] = tableLines([['NAME', 'HINT', 'DESCRIPTION'], ...rows], fitting);
  const skipped = all.flatMap(({ server }) => {
    const named = objects(server['skipped']).map(
      (tool) => `${oneLine(text(tool['name']))} of ${oneLine(text(server['name']))}: ${oneLine(text(tool['why']))}`,
    );
    const more = number(server['skipped_count']) - named.length;
    return more > 0 ? [...named, `${more} more of ${oneLine(text(server['name']))}`] : named;
  });
  return [
    ...(rows.length === 0 ? [] : [paint.dim(first), ...rest]),
    ...skipped.map((line) => `${paint.yellow('left out')} ${line}`),
  ];
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const all = await withGateway(call, (client) => offered(client, call.args[0]));
  if (output.json) output.document({ items: all.flatMap(({ tools }) => tools), next_cursor: null });
  else {
    const shown = lines(all, output);
    if (shown.length > 0) output.write(`${shown.join('\n')}\n`);
    else output.note('No tool is offered: `sigil mcp list` shows how the servers are.');
  }
  return 0;
};
