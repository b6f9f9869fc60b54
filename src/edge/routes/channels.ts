// SPDX-License-Identifier: Apache-2.0
// Channels: how they are, what they could not say, starting and stopping one.

import { readBody } from '../body.ts';
import { allChannels, control, deadLetters, oneChannel } from '../channel-view.ts';
import type { EdgeContext } from '../context.ts';
import { json, param, type Route } from '../exchange.ts';
import { NoBody } from '../schemas/requests.ts';

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
      handle: async () => json({ items: await allChannels(ports), next_cursor: null }),
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
      handle: async (exchange) => json({ items: await deadLetters(ports, param(exchange, 'name')), next_cursor: null }),
    },
    controlling('start'),
    controlling('stop'),
  ];
}
