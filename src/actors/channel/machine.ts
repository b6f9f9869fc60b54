// SPDX-License-Identifier: Apache-2.0
// A pull channel's chart (http, cli, web): takes messages while it is online, refuses new ones while the gateway drains.

import { assign, emit, setup } from 'xstate';
import type { Answer, Envelope } from '../../bus/envelope.ts';
import { failure } from '../../errors.ts';
import type { Answering, EventsOf } from '../machine-actor.ts';
import type { Delivered } from '../session/protocol.ts';
import { type Placed, place, type RoutingTable } from './place.ts';
import type { Inbound, PullProtocol } from './protocol.ts';

export type ChannelEvent =
  | EventsOf<PullProtocol>
  | { readonly type: 'delivered'; readonly to: Envelope; readonly answer: Answer<Delivered> }
  | { readonly type: 'drain' };

export type ChannelEffect =
  | Answering
  /** Hand the message to its session; the answer comes back as `delivered`. */
  | { readonly type: 'deliver'; readonly placed: Placed; readonly to: Envelope };

export interface ChannelInput {
  readonly name: string;
  readonly type: string;
  readonly routing: () => RoutingTable;
}

interface ChannelContext extends ChannelInput {
  readonly received: number;
  readonly refused: number;
}

const machineSetup = setup({
  types: {} as { context: ChannelContext; events: ChannelEvent; emitted: ChannelEffect; input: ChannelInput },
  actions: {
    place: emit(({ context, event }): ChannelEffect => {
      const { to, body } = inbound(event);
      const placed = place(body, `channel/${context.name}`, context.routing());
      return 'code' in placed ? { type: 'fail', to, error: placed } : { type: 'deliver', placed, to };
    }),
    refuse: emit(({ event }): ChannelEffect => {
      const error = failure('draining', 'The gateway is stopping and takes no new messages.');
      return { type: 'fail', to: inbound(event).to, error };
    }),
    answer: emit(({ event }): ChannelEffect => {
      if (event.type !== 'delivered') throw new Error('only a delivery can be answered');
      const { to, answer } = event;
      return answer.ok ? { type: 'reply', to, body: answer.body } : { type: 'fail', to, error: answer.error };
    }),
    status: emit(({ context, event }, { state }: { readonly state: string }): ChannelEffect => {
      if (event.type !== 'channel.status') throw new Error('only a question for the status can be answered with it');
      const { name, type, received, refused } = context;
      return { type: 'reply', to: event.envelope, body: { name, type, state, received, refused } };
    }),
    countReceived: assign({ received: ({ context }) => context.received + 1 }),
    countRefused: assign({ refused: ({ context }) => context.refused + 1 }),
  },
});

function inbound(event: ChannelEvent): { to: Envelope; body: Inbound } {
  if (event.type !== 'channel.receive') throw new Error('only a received message can be placed');
  return { to: event.envelope, body: event.body };
}

export const channelMachine = machineSetup.createMachine({
  id: 'channel',
  initial: 'online',
  context: ({ input }) => ({ ...input, received: 0, refused: 0 }),
  on: {
    delivered: [
      { guard: ({ event }) => event.answer.ok, actions: ['answer', 'countReceived'] },
      { actions: ['answer', 'countRefused'] },
    ],
  },
  states: {
    online: {
      on: {
        'channel.receive': { actions: 'place' },
        'channel.status': { actions: { type: 'status', params: { state: 'online' } } },
        drain: { target: 'draining' },
      },
    },
    draining: {
      on: {
        'channel.receive': { actions: ['refuse', 'countRefused'] },
        'channel.status': { actions: { type: 'status', params: { state: 'draining' } } },
      },
    },
  },
});
