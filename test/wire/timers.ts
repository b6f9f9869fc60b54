// SPDX-License-Identifier: Apache-2.0
// A provider's world in a test: timers that go off when the test says so, and one secret.

import type { ProviderTimeouts } from '../../src/providers/provider.ts';
import type { ProviderWorld } from '../../src/providers/settings.ts';

/** Told apart by their lengths. */
export const TIMEOUTS: ProviderTimeouts = { connect: 11_000, first_event: 22_000, gap: 33_000 };
/** The key of every test: nobody's. */
export const KEY = 'sk-wire-0123456789';

export interface TestTimers {
  readonly world: ProviderWorld;
  /** Lets a timer of this length go off, as soon as there is one. */
  fire(ms: number): Promise<void>;
  /** The lengths of those that run. */
  readonly running: readonly number[];
  /** Moves the clock without a timer going off. */
  pass(ms: number): void;
  /** What `resolve` was asked for, oldest first. */
  readonly resolved: readonly string[];
}

export function testTimers(resolve: (written: string) => Promise<string> = async (written) => written): TestTimers {
  const timers = new Set<{ readonly ms: number; readonly run: () => void }>();
  const waiting = new Set<() => void>();
  const resolved: string[] = [];
  let now = Date.UTC(2026, 0, 1);
  let ids = 0;
  return {
    world: {
      now: () => now,
      monotonic: () => now,
      uuid: () => `id-${++ids}`,
      pause: async () => undefined,
      resolve: (written) => {
        resolved.push(written);
        return resolve(written);
      },
      after: (ms, run) => {
        const timer = { ms, run };
        timers.add(timer);
        for (const look of waiting) look();
        return () => void timers.delete(timer);
      },
    },
    fire: (ms) =>
      new Promise((fired) => {
        const look = (): void => {
          const timer = [...timers].find((one) => one.ms === ms);
          if (timer === undefined) return;
          waiting.delete(look);
          // Not inside `after`: whoever set it does not have its handle yet, and may stop it at once.
          setImmediate(() => {
            if (!timers.delete(timer)) {
              waiting.add(look);
              return look();
            }
            now += ms;
            timer.run();
            fired();
          });
        };
        waiting.add(look);
        look();
      }),
    get running() {
      return [...timers].map(({ ms }) => ms);
    },
    pass: (ms) => {
      now += ms;
    },
    resolved,
  };
}

/**
 * Whether something has happened when `ms` are over. A machine that stands still meanwhile is given the turns of its loop
 * in which it would have happened.
 */
export async function within(ms: number, happening: Promise<unknown>): Promise<boolean> {
  let happened = false;
  void happening.then(() => {
    happened = true;
  });
  const until = performance.now() + ms;
  while (!happened && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 1));
  for (let turn = 0; turn < 3 && !happened; turn += 1) await new Promise(setImmediate);
  return happened;
}
