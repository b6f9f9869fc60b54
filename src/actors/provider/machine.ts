// SPDX-License-Identifier: Apache-2.0
// A circuit's chart, of a provider and of each of its models: closed while calls succeed, open after too many failures, half open while a probe finds out.

import { assign, emit, setup } from 'xstate';
import type { Fault } from './outcome.ts';

export type CircuitEvent =
  | { readonly type: 'succeeded' }
  /** A call failed, and the vendor is to blame. */
  | { readonly type: 'failed'; readonly fault: Fault }
  /** The cooldown is over. */
  | { readonly type: 'cooled' }
  /** The key that was refused has been replaced. */
  | { readonly type: 'key_changed' }
  /** The probe failed as a call would. */
  | { readonly type: 'probe_failed'; readonly fault: Fault }
  /** It could not be made. */
  | { readonly type: 'probe_lost' };

export type CircuitEffect =
  /** Whatever waits is refused; come back with `cooled` at this time. */
  | { readonly type: 'opened'; readonly retry_at: number; readonly fault: Fault }
  /** Come back later than that. */
  | { readonly type: 'longer'; readonly retry_at: number }
  /** Make one probe of this model. */
  | { readonly type: 'probe'; readonly model: string }
  /** Make it a little later: it could not be made. */
  | { readonly type: 'probe_later'; readonly model: string }
  | { readonly type: 'closed' };

/** How long a circuit stays open, in milliseconds. */
export interface Cooldown {
  readonly first: number;
  /** Each time in a row is twice as long as the one before, up to this. */
  readonly longest: number;
}

/** What a circuit is given of the world. Times are epoch milliseconds. */
export interface CircuitInput {
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly cooldown: Cooldown;
}

interface CircuitContext {
  readonly input: CircuitInput;
  readonly consecutive: number;
  /** Times it opened in a row. */
  readonly opened: number;
  /** When it is tried again; 0 while it is closed. */
  readonly retry_at: number;
  /** The one that opened it, or that its probe found. */
  readonly fault: Fault | null;
}

/** Consecutive failures that open the circuit. */
export const FAILURES = 3;
/** A cooldown is up to this share shorter or longer, so that many gateways do not come back to a vendor at once. */
export const JITTER = 0.1;
/** Longest time a vendor is left alone because it asks for it, in milliseconds. */
export const RETRY_AFTER_MOST = 3_600_000;

/** Until when a vendor wants to be left alone; 0: it did not say. */
function asked({ retry_after_ms }: Fault, now: number): number {
  return retry_after_ms === undefined ? 0 : now + Math.min(retry_after_ms, RETRY_AFTER_MOST);
}

/**
 * What the vendor asks for where it does: it knows better than we when it is back. Once that has come to nothing it is left
 * alone as long as any other, but never for less than it asks for.
 */
function retryAt({ input, opened }: CircuitContext, fault: Fault): number {
  const { cooldown, now, random } = input;
  const at = now();
  const wanted = asked(fault, at);
  const share = 1 - JITTER + random() * 2 * JITTER;
  if (opened === 0 && wanted > 0) return Math.max(wanted, at + Math.round((wanted - at) * share));
  const ms = Math.min(cooldown.longest, cooldown.first * 2 ** opened);
  return Math.max(at + Math.round(ms * share), wanted);
}

const machineSetup = setup({
  types: {} as { context: CircuitContext; events: CircuitEvent; emitted: CircuitEffect; input: CircuitInput },
  guards: {
    opens: ({ context, event }) =>
      event.type === 'failed' && (event.fault.at_once || context.consecutive + 1 >= FAILURES),
    later: ({ context, event }) =>
      event.type === 'failed' && asked(event.fault, context.input.now()) > context.retry_at,
    keyWasRefused: ({ context }) => context.fault?.key_refused === true,
  },
  actions: {
    count: assign({ consecutive: ({ context }) => context.consecutive + 1 }),
    forget: assign({ consecutive: 0, opened: 0, retry_at: 0, fault: null }),
    open: assign(({ context, event }) => {
      if (event.type !== 'failed' && event.type !== 'probe_failed') return {};
      const { fault } = event;
      return { fault, opened: context.opened + 1, retry_at: retryAt(context, fault) };
    }),
    wait: assign(({ context, event }) =>
      event.type === 'failed' ? { retry_at: asked(event.fault, context.input.now()) } : {},
    ),
    tellOpened: emit(({ context: { retry_at, fault } }) => {
      if (fault === null) throw new Error('a circuit opens because of something');
      return { type: 'opened' as const, retry_at, fault };
    }),
    tellLonger: emit(({ context }) => ({ type: 'longer' as const, retry_at: context.retry_at })),
    tellClosed: emit({ type: 'closed' as const }),
    probe: emit(({ context }) => ({ type: 'probe' as const, model: context.fault?.model ?? '' })),
    probeLater: emit(({ context }) => ({ type: 'probe_later' as const, model: context.fault?.model ?? '' })),
  },
});

export const circuitMachine = machineSetup.createMachine({
  id: 'provider',
  initial: 'closed',
  context: ({ input }) => ({ input, consecutive: 0, opened: 0, retry_at: 0, fault: null }),
  states: {
    closed: {
      on: {
        succeeded: { actions: 'forget' },
        failed: [{ guard: 'opens', target: 'open', actions: 'open' }, { actions: 'count' }],
      },
    },
    open: {
      entry: 'tellOpened',
      on: {
        // A call that was under way went well all the same.
        succeeded: { target: 'closed', actions: ['forget', 'tellClosed'] },
        failed: { guard: 'later', actions: ['wait', 'tellLonger'] },
        cooled: 'half_open',
        key_changed: { guard: 'keyWasRefused', target: 'half_open' },
      },
    },
    half_open: {
      entry: 'probe',
      on: {
        succeeded: { target: 'closed', actions: ['forget', 'tellClosed'] },
        probe_failed: { target: 'open', actions: 'open' },
        probe_lost: { actions: 'probeLater' },
      },
    },
  },
});
