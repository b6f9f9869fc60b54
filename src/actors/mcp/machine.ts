// SPDX-License-Identifier: Apache-2.0
// The chart of an MCP server: connecting, ready, retrying after a loss, quarantined after too many. It answers in each of them.

import { assign, emit, setup } from 'xstate';
import type { Envelope } from '../../bus/envelope.ts';
import { type Failure, failure } from '../../errors.ts';
import type { Answering, EventsOf } from '../machine-actor.ts';
import type { McpProtocol, McpState, McpStatus, ServerInfo, ToolList } from './protocol.ts';

/** What is to be done about a loss. */
export interface Pause {
  /** It was lost too often: until then it counts as left out. */
  readonly quarantined: boolean;
  readonly ms: number;
  /** When it is over, RFC 3339. */
  readonly retry_at: string;
}

export type McpEvent =
  | EventsOf<McpProtocol>
  /** It answers, and these are its tools. */
  | { readonly type: 'connected'; readonly server: ServerInfo; readonly list: ToolList }
  /** Its tools are others now. */
  | { readonly type: 'listed'; readonly list: ToolList }
  /** The connection is gone, or could not be made. */
  | { readonly type: 'lost'; readonly error: Failure; readonly at: string; readonly pause: Pause }
  /** The pause is over. */
  | { readonly type: 'retry' }
  /** A call is over. */
  | { readonly type: 'called'; readonly ok: boolean };

type Call = EventsOf<McpProtocol> & { readonly type: 'tool.call' };

export type McpEffect =
  | Answering
  /** Let go of what there is and connect; comes back as `connected` or `lost`. */
  | { readonly type: 'connect' }
  /** Come back with `retry` after so many milliseconds. */
  | { readonly type: 'wait'; readonly ms: number }
  /** Make this call and answer it; comes back as `called`. */
  | { readonly type: 'call'; readonly to: Envelope; readonly body: Call['body'] }
  | { readonly type: 'cancel'; readonly call: string }
  /** The tools, or why there are none, are to be asked for anew. */
  | { readonly type: 'changed' }
  | { readonly type: 'quarantined'; readonly error: Failure; readonly retry_at: string }
  | { readonly type: 'released' };

export interface McpInput {
  readonly name: string;
  readonly transport: 'stdio' | 'http';
}

interface McpContext extends McpInput {
  readonly server: ServerInfo | null;
  readonly list: ToolList;
  readonly in_flight: number;
  readonly calls: number;
  readonly failures: number;
  readonly losses: number;
  readonly last_error: McpStatus['last_error'];
  readonly retry_at: string | null;
  /** The root has been told that it is left out. */
  readonly left_out: boolean;
}

/** Calls of one server that may be under way at once. */
export const CALLS_MOST = 64;

export const NO_TOOLS: ToolList = Object.freeze({
  tools: Object.freeze([]),
  skipped: Object.freeze([]),
  skipped_count: 0,
});

function unavailable({ name, last_error, retry_at }: McpContext, state: McpState): string | null {
  const why = last_error === null ? '' : ` ${sentence(last_error.message)}`;
  switch (state) {
    case 'ready':
      return null;
    case 'connecting':
      return `The MCP server ${name} is being connected to.${why}`;
    default:
      return `The MCP server ${name} is not connected.${why} It is tried again at ${retry_at ?? 'once'}.`;
  }
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

const machineSetup = setup({
  types: {} as { context: McpContext; events: McpEvent; emitted: McpEffect; input: McpInput },
  guards: {
    full: ({ context }) => context.in_flight >= CALLS_MOST,
    tooOften: ({ event }) => event.type === 'lost' && event.pause.quarantined,
  },
  actions: {
    connect: emit({ type: 'connect' as const }),
    wait: emit(({ event }) => ({ type: 'wait' as const, ms: event.type === 'lost' ? event.pause.ms : 0 })),
    changed: emit({ type: 'changed' as const }),
    hold: assign(({ event }) =>
      event.type === 'connected'
        ? { server: event.server, list: event.list, retry_at: null }
        : event.type === 'listed'
          ? { list: event.list }
          : {},
    ),
    note: assign(({ context, event }) => {
      if (event.type !== 'lost') return {};
      const { code, message } = event.error;
      const last_error = { code, message, at: event.at };
      return { last_error, losses: context.losses + 1, retry_at: event.pause.retry_at };
    }),
    // What cannot be called is not offered. A server that only died keeps its tools until it turns out not to come back.
    withdraw: assign({ list: NO_TOOLS }),
    leaveOut: emit(({ event }) => {
      if (event.type !== 'lost') throw new Error('only what is lost is left out');
      return { type: 'quarantined' as const, error: event.error, retry_at: event.pause.retry_at };
    }),
    markLeftOut: assign({ left_out: true }),
    release: emit({ type: 'released' as const }),
    unmark: assign({ left_out: false }),
    call: emit(({ event }) => {
      const { envelope: to, body } = event as Call;
      return { type: 'call' as const, to, body };
    }),
    begin: assign({ in_flight: ({ context }) => context.in_flight + 1, calls: ({ context }) => context.calls + 1 }),
    end: assign({
      in_flight: ({ context }) => context.in_flight - 1,
      failures: ({ context, event }) => context.failures + (event.type === 'called' && !event.ok ? 1 : 0),
    }),
    cancel: emit(({ event }) => {
      if (event.type !== 'tool.cancel') throw new Error('only a cancellation cancels');
      return { type: 'cancel' as const, call: event.body.call };
    }),
    refuseFull: emit(({ context, event }) => ({
      type: 'fail' as const,
      to: (event as Call).envelope,
      error: failure('overloaded', `${CALLS_MOST} calls of the MCP server ${context.name} are under way already.`),
    })),
    refuse: emit(({ context, event }, { state }: { readonly state: McpState }) => ({
      type: 'fail' as const,
      to: (event as Call).envelope,
      error: failure('tool_failed', unavailable(context, state) ?? ''),
    })),
    tools: emit(({ context, event }, { state }: { readonly state: McpState }) => ({
      type: 'reply' as const,
      to: (event as { readonly envelope: Envelope }).envelope,
      body: { list: context.list, unavailable: unavailable(context, state) },
    })),
    status: emit(({ context, event }, { state }: { readonly state: McpState }) => {
      const { list, left_out: _, ...rest } = context;
      const { tools, skipped, skipped_count } = list;
      const body: McpStatus = { ...rest, state, tools: tools.length, skipped, skipped_count };
      return { type: 'reply' as const, to: (event as { readonly envelope: Envelope }).envelope, body };
    }),
    answerReconnect: emit(({ event }) => ({
      type: 'reply' as const,
      to: (event as { readonly envelope: Envelope }).envelope,
      body: { state: 'connecting' as const },
    })),
  },
});

/** What it answers the same way in every state, but for what it says of that. */
const asked = (state: McpState) => ({
  'mcp.tools': { actions: { type: 'tools' as const, params: { state } } },
  'mcp.status': { actions: { type: 'status' as const, params: { state } } },
});
const refused = (state: McpState) => ({
  'tool.call': { actions: { type: 'refuse' as const, params: { state } } },
});
const AGAIN = { 'mcp.reconnect': { target: 'connecting', actions: 'answerReconnect' } } as const;

export const mcpMachine = machineSetup.createMachine({
  id: 'mcp',
  initial: 'connecting',
  context: ({ input }) => ({
    ...input,
    server: null,
    list: NO_TOOLS,
    in_flight: 0,
    calls: 0,
    failures: 0,
    losses: 0,
    last_error: null,
    retry_at: null,
    left_out: false,
  }),
  on: {
    called: { actions: 'end' },
    'tool.cancel': { actions: 'cancel' },
  },
  states: {
    connecting: {
      entry: 'connect',
      on: {
        ...asked('connecting'),
        ...refused('connecting'),
        'mcp.reconnect': { target: 'connecting', reenter: true, actions: 'answerReconnect' },
        connected: [
          {
            guard: ({ context }) => context.left_out,
            target: 'ready',
            actions: ['hold', 'changed', 'release', 'unmark'],
          },
          { target: 'ready', actions: ['hold', 'changed'] },
        ],
        lost: [
          {
            guard: 'tooOften',
            target: 'quarantined',
            actions: ['note', 'withdraw', 'changed', 'wait', 'leaveOut', 'markLeftOut'],
          },
          { target: 'retrying', actions: ['note', 'withdraw', 'changed', 'wait'] },
        ],
      },
    },
    ready: {
      on: {
        ...asked('ready'),
        ...AGAIN,
        'tool.call': [{ guard: 'full', actions: 'refuseFull' }, { actions: ['begin', 'call'] }],
        listed: { actions: ['hold', 'changed'] },
        lost: [
          {
            guard: 'tooOften',
            target: 'quarantined',
            actions: ['note', 'withdraw', 'changed', 'wait', 'leaveOut', 'markLeftOut'],
          },
          { target: 'retrying', actions: ['note', 'wait'] },
        ],
      },
    },
    retrying: { on: { ...asked('retrying'), ...refused('retrying'), ...AGAIN, retry: 'connecting' } },
    quarantined: { on: { ...asked('quarantined'), ...refused('quarantined'), ...AGAIN, retry: 'connecting' } },
  },
});
