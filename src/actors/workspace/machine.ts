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
  /** It is about compactions, which the host has done beside the chart. */
  | { readonly type: 'compaction'; readonly event: CompactionAsked }
  /** Have this change written; comes back as `written`, once its sender has been answered. */
  | { readonly type: 'write'; readonly to: Envelope; readonly write: WorkspaceProtocol['workspace.write']['body'] }
  | Grown;

/** A session has more in memory than it should: have done what is to be done; comes back as `written`. */
type Grown = { readonly type: 'grown'; readonly session_id: string };

type CompactionAsked = Extract<
  WorkspaceEvent,
  { type: 'workspace.compact' | 'workspace.compaction' | 'workspace.resume' | 'workspace.session_deleted' }
>;

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
    grown: emit(({ event }): WorkspaceEffect => {
      if (event.type !== 'workspace.memory_grown') throw new Error('only what has grown can be made smaller');
      return { type: 'grown', session_id: event.body.session_id };
    }),
    compaction: emit(({ event }): WorkspaceEffect => ({ type: 'compaction', event: event as CompactionAsked })),
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
  on: {
    'workspace.compact': { actions: 'compaction' },
    'workspace.compaction': { actions: 'compaction' },
    'workspace.resume': { actions: 'compaction' },
    'workspace.session_deleted': { actions: 'compaction' },
  },
  context: ({ input }) => ({ ...input, awake: new Set<string>(), opened: 0, writing: 0 }),
  states: {
    quiet: {
      on: {
        'workspace.session_awake': { target: 'occupied', actions: 'wake' },
        'workspace.session_asleep': { actions: 'sleep' },
        'workspace.write': { target: 'occupied', actions: ['began', 'write'] },
        'workspace.memory_grown': { target: 'occupied', actions: ['began', 'grown'] },
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
        'workspace.memory_grown': { actions: ['began', 'grown'] },
        written: { actions: 'ended' },
        'workspace.status': { actions: { type: 'status', params: { state: 'occupied' } } },
        thread_lost: { actions: 'lose' },
      },
    },
  },
});
