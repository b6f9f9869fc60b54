// SPDX-License-Identifier: Apache-2.0
// Channels: how they are, what they could not say, starting and stopping one.

import { readBody, readQuery } from '../body.ts';
import { allChannels, control, deadLetters, oneChannel } from '../channel-view.ts';
import type { EdgeContext } from '../context.ts';
import { json, param, type Route } from '../exchange.ts';
import { pageOf } from '../listed.ts';
import { NoBody, PageQuery } from '../schemas/requests.ts';

export function channelRoutes(edge: EdgeContext): readonly Route[] {
  const { ports } = edge;
  const controlling = (word: 'start' | 'stop'): Route => ({
    method: 'POST',
    path: `/api/v1/channels/:name/${word}`,
    needs: 'admin:channels',
    handle: async (exchange) => {
      await readBody(exchange, NoBody, 'allowed');
      const name = param(exchange, 'name');
      const answer = await control(ports, name, `channel.${word}`);
      const { user_id } = exchange.caller;
      ports.log.info({ channel: name, user_id, request_id: exchange.requestId }, `a channel was told to ${word}`);
      return json(answer);
    },
  });
  return [
    {
      method: 'GET',
      path: '/api/v1/channels',
      handle: async (exchange) => {
        const page = readQuery(exchange, PageQuery);
        return json(pageOf(await allChannels(ports), ({ name }) => name, page));
      },
    },
    {
      method: 'GET',
      path: '/api/v1/channels/:name',
      handle: async (exchange) => json(await oneChannel(ports, param(exchange, 'name'))),
    },
    {
      method: 'GET',
      path: '/api/v1/channels/:name/dead-letters',
      needs: 'admin:channels',
      handle: async (exchange) => {
        const page = readQuery(exchange, PageQuery);
        return json(pageOf(await deadLetters(ports, param(exchange, 'name')), (one) => `${one.kind} ${one.key}`, page));
      },
    },
    controlling('start'),
    controlling('stop'),
  ];
}
