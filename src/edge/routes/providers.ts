// SPDX-License-Identifier: Apache-2.0
// Providers of language models: how they are, what models they have, and their traffic for those with `admin:*`.

import { readQuery } from '../body.ts';
import type { EdgeContext } from '../context.ts';
import { json, param, type Route } from '../exchange.ts';
import { pageOf } from '../listed.ts';
import { modelPage } from '../provider-models.ts';
import { allProviders, healthOf, oneProvider } from '../provider-view.ts';
import { PageQuery } from '../schemas/requests.ts';
import { WireStreams } from '../wire-stream.ts';

/** Texts of everybody's conversations are in it. */
const TRAFFIC = 'admin:*';

export function providerRoutes(edge: EdgeContext): readonly Route[] {
  const { ports } = edge;
  const wires = new WireStreams(edge);
  return [
    {
      method: 'GET',
      path: '/api/v1/providers',
      handle: async (exchange) => {
        const page = readQuery(exchange, PageQuery);
        return json(pageOf(await allProviders(ports), ({ name }) => name, page));
      },
    },
    {
      method: 'GET',
      path: '/api/v1/providers/:name',
      handle: async (exchange) => json(await oneProvider(ports, param(exchange, 'name'))),
    },
    {
      method: 'GET',
      path: '/api/v1/providers/:name/health',
      handle: async (exchange) => json(healthOf(await oneProvider(ports, param(exchange, 'name')))),
    },
    {
      method: 'GET',
      path: '/api/v1/providers/:name/models',
      handle: async (exchange) => json(await modelPage(edge, param(exchange, 'name'), readQuery(exchange, PageQuery))),
    },
    // Not under `/api/v1/providers`, where it would be the name of a provider.
    {
      method: 'GET',
      path: '/debug/providers/stream',
      needs: TRAFFIC,
      stream: true,
      handle: (exchange) => wires.open(exchange),
    },
  ];
}
