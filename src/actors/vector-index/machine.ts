// SPDX-License-Identifier: Apache-2.0
// A vector index's chart: loading into memory, ready, being made anew with another model, or failed and tried again. It answers in each of them.

import { assign, emit, setup } from 'xstate';
import type { Envelope } from '../../bus/envelope.ts';
import { type Failure, failure } from '../../errors.ts';
import type { VectorProgress } from '../../stores/vector-rows.ts';
import type { Answering, EventsOf } from '../machine-actor.ts';
import type { VectorIndexProtocol, VectorPlace } from './protocol.ts';

export type VectorIndexEvent =
  | EventsOf<VectorIndexProtocol>
  /** What pays to be in memory is there. */
  | { readonly type: 'loaded'; readonly place: VectorPlace; readonly filling: VectorProgress | null }
  | { readonly type: 'load_failed'; readonly error: Failure }
  /** The pause after a failure is over. */
  | { readonly type: 'retry' }
  /** A search was answered. `behind`: from the file, because memory does not hold what it should. */
  | { readonly type: 'searched'; readonly behind: boolean };

type Search = EventsOf<VectorIndexProtocol> & { type: 'vector.search' };

export type VectorIndexEffect =
  | Answering
  /** Load the index into memory, if that pays; comes back as `loaded` or `load_failed`. */
  | { readonly type: 'load' }
  /** Come back with `retry` after so many milliseconds. */
  | { readonly type: 'wait'; readonly ms: number }
  /** Answer this, from memory when it is whole and else from the file; comes back as `searched`. */
  | { readonly type: 'search'; readonly to: Envelope; readonly body: Search['body'] };

export interface VectorIndexInput {
  readonly workspace_id: string;
}

interface VectorIndexContext extends VectorIndexInput {
  readonly place: VectorPlace;
  /** Searches that are not answered yet. */
  readonly searching: number;
  readonly searches: number;
  readonly filling: VectorProgress | null;
  /** Failures in a row. */
  readonly failures: number;
  readonly last_error: { readonly code: string; readonly message: string } | null;
}

/** Searches that may be under way at once. */
export const SEARCHING_MOST = 64;
/** First and longest pause before a failed load is tried again, in milliseconds. */
const PAUSE = { first: 1_000, longest: 60_000 } as const;

const machineSetup = setup({
  types: {} as {
    context: VectorIndexContext;
    events: VectorIndexEvent;
    emitted: VectorIndexEffect;
    input: VectorIndexInput;
  },
  guards: {
    full: ({ context }) => context.searching >= SEARCHING_MOST,
    behind: ({ event }) => event.type === 'searched' && event.behind,
    filling: ({ event }) => (event.type === 'loaded' || event.type === 'vector.filling') && filled(event) !== null,
  },
  actions: {
    load: emit({ type: 'load' as const }),
    wait: emit(({ context }) => ({
      type: 'wait' as const,
      ms: Math.min(PAUSE.longest, PAUSE.first * 2 ** (context.failures - 1)),
    })),
    search: emit(({ event }) => {
      const { envelope: to, body } = event as Search;
      return { type: 'search' as const, to, body };
    }),
    begin: assign({
      searching: ({ context }) => context.searching + 1,
      searches: ({ context }) => context.searches + 1,
    }),
    end: assign({ searching: ({ context }) => context.searching - 1 }),
    refuse: emit(({ event }) => ({
      type: 'fail' as const,
      to: (event as Search).envelope,
      error: failure('overloaded', `${SEARCHING_MOST} searches wait for this index already`),
    })),
    hold: assign(({ event }) =>
      event.type === 'loaded' ? { place: event.place, filling: event.filling, failures: 0, last_error: null } : {},
    ),
    progress: assign(({ event }) => (event.type === 'vector.filling' ? { filling: event.body.filling } : {})),
    note: assign(({ context, event }) => {
      if (event.type !== 'load_failed') return {};
      const { code, message } = event.error;
      return { failures: context.failures + 1, place: 'file' as const, last_error: { code, message } };
    }),
    status: emit(({ context, event }, { state }: { readonly state: string }) => {
      const { workspace_id, place, searches, filling, last_error } = context;
      const to = (event as { readonly envelope: Envelope }).envelope;
      return { type: 'reply' as const, to, body: { workspace_id, state, place, searches, filling, last_error } };
    }),
  },
});

function filled(event: VectorIndexEvent): VectorProgress | null {
  return event.type === 'loaded' ? event.filling : event.type === 'vector.filling' ? event.body.filling : null;
}

const status = (state: string) => ({ actions: { type: 'status' as const, params: { state } } });

export const vectorIndexMachine = machineSetup.createMachine({
  id: 'vector-index',
  initial: 'loading',
  context: ({ input }) => ({
    ...input,
    place: 'file',
    searching: 0,
    searches: 0,
    filling: null,
    failures: 0,
    last_error: null,
  }),
  on: {
    'vector.search': [{ guard: 'full', actions: 'refuse' }, { actions: ['begin', 'search'] }],
    searched: { actions: 'end' },
  },
  states: {
    // What is asked meanwhile is answered from the file: as right, and soon enough for the few hundred milliseconds.
    loading: {
      entry: 'load',
      on: {
        loaded: [
          { guard: 'filling', target: 'reindexing', actions: 'hold' },
          { target: 'ready', actions: 'hold' },
        ],
        load_failed: { target: 'failed', actions: 'note' },
        'vector.filling': { actions: 'progress' },
        'vector.status': status('loading'),
      },
    },
    ready: {
      on: {
        searched: [{ guard: 'behind', target: 'loading', actions: 'end' }, { actions: 'end' }],
        'vector.filling': [
          { guard: 'filling', target: 'reindexing', actions: 'progress' },
          // Another generation answers, though nobody said that it was on its way.
          { target: 'loading', actions: 'progress' },
        ],
        'vector.status': status('ready'),
      },
    },
    reindexing: {
      on: {
        searched: [{ guard: 'behind', target: 'loading', actions: 'end' }, { actions: 'end' }],
        'vector.filling': [
          { guard: 'filling', actions: 'progress' },
          { target: 'loading', actions: 'progress' },
        ],
        'vector.status': status('reindexing'),
      },
    },
    failed: {
      entry: 'wait',
      on: {
        retry: 'loading',
        'vector.filling': { actions: 'progress' },
        'vector.status': status('failed'),
      },
    },
  },
});
