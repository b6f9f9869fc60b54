// SPDX-License-Identifier: Apache-2.0
// The chart of one compaction: which step follows which. What it works on, and what it writes, is its host's.

import { emit, setup } from 'xstate';

export type CompactionEvent =
  /** A session is to be looked at; `open`: what its last compaction has left open. */
  | { readonly type: 'begin'; readonly open: 'settle' | 'tell' | null }
  | { readonly type: 'settled' }
  /** There is a batch. */
  | { readonly type: 'ready' }
  /** There is nothing to be summed up, or it cannot be read now. */
  | { readonly type: 'nothing' }
  /** The session is no more. */
  | { readonly type: 'gone' }
  | { readonly type: 'granted' }
  | { readonly type: 'summed' }
  /** The step came to nothing; the reason is the host's. */
  | { readonly type: 'failed' }
  | { readonly type: 'stored' }
  | { readonly type: 'told' }
  | { readonly type: 'ended' }
  /** The failure is written; `again`: another model is asked at once. */
  | { readonly type: 'noted'; readonly again: boolean };

/** What the host is to do; each comes back as an event. */
export type CompactionEffect = {
  readonly type: 'settle' | 'read' | 'reserve' | 'call' | 'store' | 'tell' | 'end' | 'forget' | 'note';
};

const machineSetup = setup({
  types: {} as { events: CompactionEvent; emitted: CompactionEffect },
  actions: {
    settle: emit({ type: 'settle' }),
    read: emit({ type: 'read' }),
    reserve: emit({ type: 'reserve' }),
    call: emit({ type: 'call' }),
    store: emit({ type: 'store' }),
    tell: emit({ type: 'tell' }),
    end: emit({ type: 'end' }),
    forget: emit({ type: 'forget' }),
    note: emit({ type: 'note' }),
  },
  guards: {
    interrupted: ({ event }) => event.type === 'begin' && event.open === 'settle',
    untold: ({ event }) => event.type === 'begin' && event.open === 'tell',
    again: ({ event }) => event.type === 'noted' && event.again,
  },
});

/** Nothing is removed before `end`, which comes after the summary is stored and the session knows it. */
export const compactionMachine = machineSetup.createMachine({
  id: 'compaction',
  initial: 'resting',
  states: {
    resting: {
      on: {
        begin: [
          { guard: 'interrupted', target: 'settling' },
          { guard: 'untold', target: 'telling' },
          { target: 'reading' },
        ],
      },
    },
    settling: { entry: 'settle', on: { settled: 'reading', failed: 'resting' } },
    reading: {
      entry: 'read',
      on: { ready: 'reserving', nothing: 'resting', gone: 'forgetting', failed: 'resting' },
    },
    reserving: { entry: 'reserve', on: { granted: 'calling', failed: 'noting' } },
    calling: { entry: 'call', on: { summed: 'storing', failed: 'noting' } },
    storing: { entry: 'store', on: { stored: 'telling', failed: 'noting' } },
    telling: { entry: 'tell', on: { told: 'ending', gone: 'forgetting', failed: 'resting' } },
    ending: { entry: 'end', on: { ended: 'resting', failed: 'resting' } },
    forgetting: { entry: 'forget', on: { ended: 'resting', failed: 'resting' } },
    noting: { entry: 'note', on: { noted: [{ guard: 'again', target: 'reserving' }, { target: 'resting' }] } },
  },
});
