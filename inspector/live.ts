// SPDX-License-Identifier: Apache-2.0
// When the page asks at all: never while it is hidden, paused, signed out or without a gateway.

import { computed, effect, signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { access, link, reasonOf, returns, Unreachable } from './api.ts';

/** Somebody has stopped all updates to look at what is there. */
export const paused = signal(false);
const hidden = signal(document.hidden);
document.addEventListener('visibilitychange', () => {
  hidden.value = document.hidden;
});

/** Whether anything is asked by itself. */
export const awake = computed(
  () => !paused.value && !hidden.value && link.value.state === 'up' && access.value.state === 'granted',
);
/** Whether the page may ask when somebody does something: also while updates are paused. */
export const reachable = computed(() => link.value.state === 'up' && access.value.state === 'granted');

/** The time of the page, in milliseconds; it moves once a second while somebody looks. */
export const now = signal(Date.now());
effect(() => {
  if (hidden.value || paused.value) return undefined;
  now.value = Date.now();
  const timer = setInterval(() => {
    now.value = Date.now();
  }, 1_000);
  return () => clearInterval(timer);
});

/**
 * Runs something at once and then again and again, that long after it was done, as long as the page is awake; `run` is told
 * when it is not any more. What it throws is told to `failed`, a gateway that is gone is not: the page says so as a whole.
 */
export function repeat(
  every: number,
  run: (within: AbortSignal) => Promise<unknown>,
  failed: (why: string | null) => void = () => undefined,
): () => void {
  return effect(() => {
    if (!awake.value) return undefined;
    const until = new AbortController();
    const loop = async (): Promise<void> => {
      while (!until.signal.aborted) {
        try {
          await run(until.signal);
          failed(null);
        } catch (thrown) {
          if (until.signal.aborted) return;
          if (!(thrown instanceof Unreachable)) failed(reasonOf(thrown));
        }
        await new Promise((resolve) => setTimeout(resolve, every));
      }
    };
    void loop();
    return () => until.abort();
  });
}

/** {@link repeat} for as long as a component is shown; begun anew when `key` changes or the gateway is back. */
export function useRepeat(
  key: string,
  every: number,
  run: (within: AbortSignal) => Promise<unknown>,
  failed?: (why: string | null) => void,
): void {
  const newest = useRef(run);
  newest.current = run;
  // The newest function is always the one that is run: it is no reason to begin anew.
  useEffect(() => repeat(every, (within) => newest.current(within), failed), [key, every, returns.value]);
}
