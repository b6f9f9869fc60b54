// SPDX-License-Identifier: Apache-2.0
// MCP servers: how they are, which tools each gave, and connecting to one anew.

import { readBody, readQuery } from '../body.ts';
import type { EdgeContext } from '../context.ts';
import { json, param, type Route } from '../exchange.ts';
import { pageOf } from '../listed.ts';
import { allServers, oneServer, reconnect, toolsOf } from '../mcp-view.ts';
import { NoBody, PageQuery } from '../schemas/requests.ts';

export function mcpRoutes(edge: EdgeContext): readonly Route[] {
  const { ports } = edge;
  return [
    {
      method: 'GET',
      path: '/api/v1/mcp',
      handle: async (exchange) => {
        const page = readQuery(exchange, PageQuery);
        return json(pageOf(await allServers(ports), ({ name }) => name, page));
      },
    },
    {
      method: 'GET',
      path: '/api/v1/mcp/:name',
      handle: async (exchange) => json(await oneServer(ports, param(exchange, 'name'))),
    },
    {
      method: 'GET',
      path: '/api/v1/mcp/:name/tools',
      handle: async (exchange) => {
        const page = readQuery(exchange, PageQuery);
        return json(pageOf(await toolsOf(ports, param(exchange, 'name')), ({ name }) => name, page));
      },
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
