// SPDX-License-Identifier: Apache-2.0
// A workspace's chart: its directory of awake sessions, and changes of its memory. It is occupied while any of them goes on.

import { assign, emit, setup } from 'xstate';
import type { Envelope } from '../../bus/envelope.ts';
import type { Answering, EventsOf } from '../machine-actor.ts';
import type { WorkspaceProtocol } from './protocol.ts';

export type WorkspaceEvent =
  | EventsOf<WorkspaceProtocol>
  /** A change was answered. */
  | { readonly type: 'written' }
  /** A thread ended: the sessions that lived there are not awake any more. */
  | { readonly type: 'thread_lost'; readonly thread: string };

export type WorkspaceEffect =
  | Answering
  /** Have this change written; comes back as `written`, once its sender has been answered. */
  | { readonly type: 'write'; readonly to: Envelope; readonly write: WorkspaceProtocol['workspace.write']['body'] }
  | Trim;

/** Have written that the oldest messages of a session leave memory; comes back as `written`. */
type Trim = { readonly type: 'trim'; readonly session_id: string };

export interface WorkspaceInput {
  readonly id: string;
  /** The thread a session lives on. */
  readonly home: (session_id: string) => string;
}

interface WorkspaceContext extends WorkspaceInput {
  /** Changed in place: a copy for every session that wakes would cost with the number that is awake. */
  readonly awake: Set<string>;
  readonly opened: number;
  /** Changes that are not answered yet. */
  readonly writing: number;
}

const machineSetup = setup({
  types: {} as { context: WorkspaceContext; events: WorkspaceEvent; emitted: WorkspaceEffect; input: WorkspaceInput },
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
    write: emit(({ event }): WorkspaceEffect => {
      if (event.type !== 'workspace.write') throw new Error('only a change can be written');
      return { type: 'write', to: event.envelope, write: event.body };
    }),
    trim: emit(({ event }): WorkspaceEffect => {
      if (event.type !== 'workspace.memory_grown') throw new Error('only what has grown can be trimmed');
      return { type: 'trim', session_id: event.body.session_id };
    }),
    began: assign({ writing: ({ context }) => context.writing + 1 }),
    ended: assign({ writing: ({ context }) => context.writing - 1 }),
    status: emit(({ context, event }, { state }: { readonly state: string }): WorkspaceEffect => {
      if (event.type !== 'workspace.status') throw new Error('only a question for the status can be answered with it');
      return {
        type: 'reply',
        to: event.envelope,
        body: { id: context.id, state, awake: context.awake.size, opened: context.opened },
      };
    }),
  },
  guards: { empty: ({ context }) => context.awake.size === 0 && context.writing === 0 },
});

export const workspaceMachine = machineSetup.createMachine({
  id: 'workspace',
  initial: 'quiet',
  context: ({ input }) => ({ ...input, awake: new Set<string>(), opened: 0, writing: 0 }),
  states: {
    quiet: {
      on: {
        'workspace.session_awake': { target: 'occupied', actions: 'wake' },
        'workspace.session_asleep': { actions: 'sleep' },
        'workspace.write': { target: 'occupied', actions: ['began', 'write'] },
        'workspace.memory_grown': { target: 'occupied', actions: ['began', 'trim'] },
        'workspace.status': { actions: { type: 'status', params: { state: 'quiet' } } },
        thread_lost: {},
      },
    },
    occupied: {
      always: { guard: 'empty', target: 'quiet' },
      on: {
        'workspace.session_awake': { actions: 'wake' },
        'workspace.session_asleep': { actions: 'sleep' },
        'workspace.write': { actions: ['began', 'write'] },
        'workspace.memory_grown': { actions: ['began', 'trim'] },
        written: { actions: 'ended' },
        'workspace.status': { actions: { type: 'status', params: { state: 'occupied' } } },
        thread_lost: { actions: 'lose' },
      },
    },
  },
});
