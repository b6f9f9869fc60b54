// SPDX-License-Identifier: Apache-2.0
// A workspace's chart: its directory of awake sessions. It is occupied while any of them is awake.

import { assign, emit, setup } from 'xstate';
import type { Answering, EventsOf } from '../machine-actor.ts';
import type { WorkspaceProtocol } from './protocol.ts';

export type WorkspaceEvent =
  | EventsOf<WorkspaceProtocol>
  /** A thread ended: the sessions that lived there are not awake any more. */
  | { readonly type: 'thread_lost'; readonly thread: string };

export interface WorkspaceInput {
  readonly id: string;
  /** The thread a session lives on. */
  readonly home: (session_id: string) => string;
}

interface WorkspaceContext extends WorkspaceInput {
  /** Changed in place: a copy for every session that wakes would cost with the number that is awake. */
  readonly awake: Set<string>;
  readonly opened: number;
}

const machineSetup = setup({
  types: {} as { context: WorkspaceContext; events: WorkspaceEvent; emitted: Answering; input: WorkspaceInput },
  actions: {
    wake: assign(({ context, event }) => {
      if (event.type !== 'workspace.session_awake') return {};
      context.awake.add(event.body.session_id);
      return event.body.opened ? { opened: context.opened + 1 } : {};
    }),
    sleep: ({ context, event }) => {
      if (event.type === 'workspace.session_asleep') context.awake.delete(event.body.session_id);
    },
    lose: ({ context, event }) => {
      if (event.type !== 'thread_lost') return;
      for (const session_id of context.awake)
        if (context.home(session_id) === event.thread) context.awake.delete(session_id);
    },
    status: emit(({ context, event }, { state }: { readonly state: string }): Answering => {
      if (event.type !== 'workspace.status') throw new Error('only a question for the status can be answered with it');
      return {
        type: 'reply',
        to: event.envelope,
        body: { id: context.id, state, awake: context.awake.size, opened: context.opened },
      };
    }),
  },
  guards: { empty: ({ context }) => context.awake.size === 0 },
});

export const workspaceMachine = machineSetup.createMachine({
  id: 'workspace',
  initial: 'quiet',
  context: ({ input }) => ({ ...input, awake: new Set<string>(), opened: 0 }),
  states: {
    quiet: {
      on: {
        'workspace.session_awake': { target: 'occupied', actions: 'wake' },
        'workspace.session_asleep': { actions: 'sleep' },
        'workspace.status': { actions: { type: 'status', params: { state: 'quiet' } } },
        thread_lost: {},
      },
    },
    occupied: {
      always: { guard: 'empty', target: 'quiet' },
      on: {
        'workspace.session_awake': { actions: 'wake' },
        'workspace.session_asleep': { actions: 'sleep' },
        'workspace.status': { actions: { type: 'status', params: { state: 'occupied' } } },
        thread_lost: { actions: 'lose' },
      },
    },
  },
});
