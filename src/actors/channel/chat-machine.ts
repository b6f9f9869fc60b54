// SPDX-License-Identifier: Apache-2.0
// The chart of a chat channel: stopped, connecting, online, backing off after a loss, failed when trying again cannot help.

import { assign, emit, setup } from 'xstate';
import type { Envelope } from '../../bus/envelope.ts';
import { type Failure, failure } from '../../errors.ts';
import type { Answering, EventsOf, Received } from '../machine-actor.ts';
import type { ChatProtocol, ChatSettings, ChatState } from './chat-protocol.ts';
import { sameConnection } from './own-settings.ts';
import type { PullProtocol } from './protocol.ts';

type Asked = EventsOf<ChatProtocol> | EventsOf<Pick<PullProtocol, 'channel.status' | 'channel.webhook'>>;

export type ChatEvent =
  | Asked
  /** Messages come in. */
  | { readonly type: 'connected' }
  /** The connection is gone, or could not be made. `at` in epoch milliseconds, `chance` uniform in [0, 1). */
  | { readonly type: 'lost'; readonly error: Failure; readonly at: number; readonly chance: number }
  /** It has been online for a minute. */
  | { readonly type: 'steady' }
  /** The pause is over. */
  | { readonly type: 'retry' }
  /** Nothing is on its way to the platform any more. */
  | { readonly type: 'settled' };

export type ChatEffect =
  | Answering
  /** Let go of what there is and connect with these settings; comes back as `connected` or `lost`. */
  | { readonly type: 'connect'; readonly entry: Readonly<Record<string, unknown>> }
  | { readonly type: 'disconnect' }
  /** Nothing new goes out; come back with `settled` once what is on its way has come to its end, or has taken too long. */
  | { readonly type: 'settle' }
  /** Come back with `retry` after so many milliseconds. */
  | { readonly type: 'wait'; readonly ms: number }
  /** What is to be said can be said; come back with `steady` after a minute. */
  | { readonly type: 'online' }
  | { readonly type: 'offline' }
  /** It is to be seen that it needs somebody, or does not any more. */
  | { readonly type: 'failed'; readonly error: Failure }
  | { readonly type: 'released' }
  /** To be answered by who keeps what is to be said, and what was counted. */
  | { readonly type: 'ask'; readonly asked: Asked; readonly state: ChatState; readonly seen: Seen };

/** What the chart knows beside its state. */
export interface Seen {
  readonly last_error: { readonly error: Failure; readonly at: number } | null;
  readonly retry_at: number | null;
  /** Takes no messages any more. */
  readonly draining: boolean;
}

export interface ChatInput {
  readonly name: string;
  readonly type: string;
  readonly settings: ChatSettings;
}

interface ChatContext extends ChatInput, Seen {
  /** Losses since it was last online for a minute. */
  readonly losses: number;
}

/** First and longest pause, in milliseconds, doubled with each loss; half of it is left to chance. */
export const PAUSE = { first: 1_000, longest: 300_000 } as const;

/** How long to wait after a loss. @param losses before this one. A platform that says when is waited for at least that long. */
export function pauseAfter(losses: number, chance: number, error: Failure): number {
  const whole = Math.min(PAUSE.longest, PAUSE.first * 2 ** Math.min(losses, 20));
  const asked = error.details?.['retry_after_ms'];
  const least = typeof asked === 'number' && Number.isFinite(asked) ? Math.min(asked, 24 * 3_600_000) : 0;
  // Never under the first: a server that refuses at once must not be asked in a circle.
  return Math.round(Math.max(PAUSE.first, least, whole * (0.5 + chance / 2)));
}

const machineSetup = setup({
  types: {} as { context: ChatContext; events: ChatEvent; emitted: ChatEffect; input: ChatInput },
  guards: {
    usable: ({ context }) => context.settings.ok,
    sound: ({ event }) => event.type === 'channel.configure' && event.body.ok,
    /** What is set now needs no other connection than what was set before. */
    kept: ({ context: { settings }, event }) =>
      event.type === 'channel.configure' &&
      event.body.ok &&
      event.body.renewed !== true &&
      settings.ok &&
      sameConnection(settings.entry, event.body.entry),
    retryable: ({ event }) => event.type === 'lost' && event.error.retryable,
  },
  actions: {
    connect: emit(({ context }): ChatEffect => {
      const { settings } = context;
      return settings.ok ? { type: 'connect', entry: settings.entry } : { type: 'disconnect' };
    }),
    disconnect: emit({ type: 'disconnect' as const }),
    online: emit({ type: 'online' as const }),
    offline: emit({ type: 'offline' as const }),
    note: assign(({ event }) => (event.type === 'lost' ? { last_error: { error: event.error, at: event.at } } : {})),
    pause: assign(({ context, event }) => {
      if (event.type !== 'lost') return {};
      const retry_at = event.at + pauseAfter(context.losses, event.chance, event.error);
      return { losses: context.losses + 1, retry_at };
    }),
    wait: emit(({ context, event }): ChatEffect => {
      const at = event.type === 'lost' ? event.at : 0;
      return { type: 'wait', ms: Math.max(0, (context.retry_at ?? at) - at) };
    }),
    unwait: assign({ retry_at: null }),
    steady: assign({ losses: 0 }),
    adopt: assign(({ event }) => (event.type === 'channel.configure' ? { settings: event.body } : {})),
    settle: emit({ type: 'settle' as const }),
    configure: assign(({ event }) => (event.type === 'channel.configure' ? { settings: event.body, losses: 0 } : {})),
    fail: emit(({ context }): ChatEffect => {
      const { settings, last_error } = context;
      const error = settings.ok ? last_error?.error : settings.error;
      return { type: 'failed', error: error ?? failure('internal', `channel/${context.name} failed.`) };
    }),
    release: emit({ type: 'released' as const }),
    drain: assign({ draining: true }),
    answer: emit(
      ({ event }, { state }: { readonly state: ChatState }): ChatEffect => ({
        type: 'reply',
        to: (event as Received<string, unknown>).envelope,
        body: { state },
      }),
    ),
    ask: emit(({ context, event }, { state }: { readonly state: ChatState }): ChatEffect => {
      const { last_error, retry_at, draining } = context;
      return { type: 'ask', asked: event as Asked, state, seen: { last_error, retry_at, draining } };
    }),
    refuseWebhook: emit(({ context, event }, { state }: { readonly state: ChatState }): ChatEffect => {
      const { envelope: to } = event as { readonly envelope: Envelope };
      const text = `The channel ${context.name} is ${state.replaceAll('_', ' ')} and takes no requests.`;
      return { type: 'fail', to, error: failure('overloaded', text, { retry_after_ms: WEBHOOK_AGAIN }) };
    }),
  },
});

/** When a platform that calls while the channel is not online is told to call again, in milliseconds. */
const WEBHOOK_AGAIN = 5_000;

/** What is answered the same way in every state. */
const asked = (state: ChatState) =>
  ({
    'channel.deliver': { actions: { type: 'ask', params: { state } } },
    'channel.status': { actions: { type: 'ask', params: { state } } },
    'channel.chat_status': { actions: { type: 'ask', params: { state } } },
    'channel.dead_letters': { actions: { type: 'ask', params: { state } } },
    'channel.erase': { actions: { type: 'ask', params: { state } } },
    'channel.drain': { actions: ['drain', { type: 'answer', params: { state } }] },
  }) as const;

const deaf = (state: ChatState) =>
  ({ 'channel.webhook': { actions: { type: 'refuseWebhook', params: { state } } } }) as const;

const CONNECTING = { type: 'answer', params: { state: 'connecting' } } as const;
const STOPPED = { type: 'answer', params: { state: 'stopped' } } as const;
const FAILED = { type: 'answer', params: { state: 'failed' } } as const;

/** Settings of a channel that go by themselves: the connection stays as it is. */
const adopted = (state: ChatState) =>
  ({ guard: 'kept', actions: ['adopt', { type: 'answer', params: { state } }] }) as const;

/** New settings of a channel that is to be connected: those that cannot be used fail it. */
const configured = [
  { guard: 'sound', actions: ['configure', CONNECTING], target: 'connecting', reenter: true },
  { actions: ['configure', FAILED], target: 'failed', reenter: true },
] as const;

const lost = [
  { guard: 'retryable', actions: ['note', 'pause', 'wait'], target: 'backing_off' },
  { actions: 'note', target: 'failed' },
] as const;

export const chatMachine = machineSetup.createMachine({
  id: 'channel',
  context: ({ input }) => ({ ...input, last_error: null, retry_at: null, draining: false, losses: 0 }),
  initial: 'beginning',
  states: {
    beginning: { always: [{ guard: 'usable', target: 'connecting' }, { target: 'failed' }] },
    stopped: {
      entry: ['unwait', 'disconnect'],
      on: {
        ...asked('stopped'),
        ...deaf('stopped'),
        'channel.start': [
          { guard: 'usable', actions: CONNECTING, target: 'connecting' },
          { actions: FAILED, target: 'failed' },
        ],
        'channel.stop': { actions: STOPPED },
        // It stays stopped: that was somebody's word.
        'channel.configure': { actions: ['configure', STOPPED] },
      },
    },
    connecting: {
      entry: ['unwait', 'connect'],
      on: {
        ...asked('connecting'),
        ...deaf('connecting'),
        connected: { target: 'online' },
        lost,
        'channel.start': { actions: CONNECTING },
        'channel.stop': { actions: STOPPED, target: 'stopped' },
        'channel.configure': [adopted('connecting'), ...configured],
      },
    },
    online: {
      entry: 'online',
      exit: 'offline',
      on: {
        ...asked('online'),
        'channel.webhook': { actions: { type: 'ask', params: { state: 'online' } } },
        lost,
        steady: { actions: 'steady' },
        'channel.start': { actions: { type: 'answer', params: { state: 'online' } } },
        'channel.stop': { actions: STOPPED, target: 'stopped' },
        'channel.configure': [
          adopted('online'),
          { guard: 'sound', actions: ['configure', CONNECTING], target: 'changing' },
          { actions: ['configure', FAILED], target: 'failed' },
        ],
      },
    },
    // What is on its way to the platform comes to its end first: cut off, nobody would know whether it arrived.
    changing: {
      entry: 'settle',
      on: {
        ...asked('connecting'),
        ...deaf('connecting'),
        settled: { target: 'connecting' },
        lost: { target: 'connecting' },
        'channel.start': { actions: CONNECTING },
        'channel.stop': { actions: STOPPED, target: 'stopped' },
        'channel.configure': [
          { guard: 'sound', actions: ['configure', CONNECTING] },
          { actions: ['configure', FAILED], target: 'failed' },
        ],
      },
    },
    backing_off: {
      on: {
        ...asked('backing_off'),
        ...deaf('backing_off'),
        retry: { target: 'connecting' },
        'channel.start': { actions: CONNECTING, target: 'connecting' },
        'channel.stop': { actions: STOPPED, target: 'stopped' },
        'channel.configure': [adopted('backing_off'), ...configured],
      },
    },
    failed: {
      entry: ['unwait', 'disconnect', 'fail'],
      exit: 'release',
      on: {
        ...asked('failed'),
        ...deaf('failed'),
        'channel.start': [{ guard: 'usable', actions: CONNECTING, target: 'connecting' }, { actions: FAILED }],
        'channel.stop': { actions: STOPPED, target: 'stopped' },
        'channel.configure': configured,
      },
    },
  },
});
