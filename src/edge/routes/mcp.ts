// SPDX-License-Identifier: Apache-2.0
// MCP servers: how they are, which tools each gave, and connecting to one anew.

import { readBody } from '../body.ts';
import type { EdgeContext } from '../context.ts';
import { json, param, type Route } from '../exchange.ts';
import { allServers, oneServer, reconnect, toolsOf } from '../mcp-view.ts';
import { NoBody } from '../schemas/requests.ts';

export function mcpRoutes(edge: EdgeContext): readonly Route[] {
  const { ports } = edge;
  return [
    {
      method: 'GET',
      path: '/api/v1/mcp',
      handle: async () => json({ items: await allServers(ports), next_cursor: null }),
    },
    {
      method: 'GET',
      path: '/api/v1/mcp/:name',
      handle: async (exchange) => json(await oneServer(ports, param(exchange, 'name'))),
    },
    {
      method: 'GET',
      path: '/api/v1/mcp/:name/tools',
      handle: async (exchange) => json({ items: await toolsOf(ports, param(exchange, 'name')), next_cursor: null }),
    },
    {
      method: 'POST',
      path: '/api/v1/mcp/:name/reconnect',
      needs: 'admin:mcp',
      handle: async (exchange) => {
        await readBody(exchange, NoBody, 'allowed');
        const name = param(exchange, 'name');
        const answer = await reconnect(ports, name);
        const { user_id } = exchange.caller;
        ports.log.info({ mcp: name, user_id, request_id: exchange.requestId }, 'an MCP server is connected to anew');
        return json(answer);
      },
    },
  ];
}
