// SPDX-License-Identifier: Apache-2.0
// A provider's chart is its circuit: closed while calls succeed, open after too many failures, half open to try once.

import { assign, emit, setup } from 'xstate';
import type { ErrorCode } from '../../errors.ts';

export type CircuitEvent =
  | { readonly type: 'succeeded' }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly at: number }
  /** The cooldown is over. */
  | { readonly type: 'cooled' };

export type CircuitEffect =
  /** Come back with `cooled` after this many milliseconds. */
  { readonly type: 'cool'; readonly ms: number };

interface CircuitContext {
  readonly consecutive: number;
  /** Times it opened in a row: the cooldown doubles. */
  readonly opened: number;
  readonly last_error: { readonly code: ErrorCode; readonly at: number } | null;
}

/** Consecutive failures that open the circuit. */
const FAILURES = 3;
/** First and longest cooldown, in milliseconds. */
const COOLDOWN = { first: 30_000, longest: 300_000 } as const;

const machineSetup = setup({
  types: {} as { context: CircuitContext; events: CircuitEvent; emitted: CircuitEffect },
  guards: { tooMany: ({ context }) => context.consecutive + 1 >= FAILURES },
  actions: {
    note: assign(({ context, event }) =>
      event.type === 'failed'
        ? { consecutive: context.consecutive + 1, last_error: { code: event.code, at: event.at } }
        : {},
    ),
    forget: assign({ consecutive: 0, opened: 0 }),
    open: assign({ opened: ({ context }) => context.opened + 1 }),
    cool: emit(({ context }) => ({
      type: 'cool' as const,
      ms: Math.min(COOLDOWN.longest, COOLDOWN.first * 2 ** (context.opened - 1)),
    })),
  },
});

export const circuitMachine = machineSetup.createMachine({
  id: 'provider',
  initial: 'closed',
  context: { consecutive: 0, opened: 0, last_error: null },
  states: {
    closed: {
      on: {
        succeeded: { actions: 'forget' },
        failed: [{ guard: 'tooMany', target: 'open', actions: 'note' }, { actions: 'note' }],
      },
    },
    open: {
      entry: ['open', 'cool'],
      on: { cooled: 'half_open', succeeded: { target: 'closed', actions: 'forget' }, failed: { actions: 'note' } },
    },
    half_open: {
      on: { succeeded: { target: 'closed', actions: 'forget' }, failed: { target: 'open', actions: 'note' } },
    },
  },
});
