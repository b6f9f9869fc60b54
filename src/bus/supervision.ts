// SPDX-License-Identifier: Apache-2.0
// When something that ended is started again: a pure decision from its history.

/** A child of the tree, as data. */
export interface ChildSpec<S = string> {
  readonly id: string;
  /** The thread it runs on. */
  readonly thread: string;
  /** What to start; the composition root knows how. */
  readonly start: S;
  /** It begins when the others stand, and nobody waits for it: only answers to questions need it. */
  readonly behind?: boolean;
  /** Always, only after a failure, or never. */
  readonly restart: 'permanent' | 'transient' | 'temporary';
  /** How long it may take to stop before it is ended. */
  readonly shutdown_ms: number;
}

/** How often and how fast a child may be restarted. */
export interface Intensity {
  /** Restarts allowed within `within_ms`; one more is quarantine. */
  readonly restarts: number;
  readonly within_ms: number;
  /** The wait before the second restart in a row; the first is at once. It doubles with each further one. */
  readonly backoff_ms: number;
  readonly longest_backoff_ms: number;
  /** How long a first quarantine lasts. It doubles with each further one in a row. */
  readonly rest_ms: number;
  readonly longest_rest_ms: number;
}

export const INTENSITY: Intensity = {
  restarts: 5,
  within_ms: 60_000,
  backoff_ms: 100,
  longest_backoff_ms: 10_000,
  rest_ms: 60_000,
  longest_rest_ms: 900_000,
};

/** When a child was restarted, and how often it was quarantined; only what still counts is kept. */
export interface History {
  /** Oldest first. */
  readonly restarts: readonly number[];
  /** Quarantines in a row: a child that then ran for as long as one rest begins again at none. */
  readonly rests: number;
  /** When the last rest was over. */
  readonly rested_at: number;
}

export const NO_HISTORY: History = { restarts: [], rests: 0, rested_at: 0 };

/** `normal`: it ended because it was done; anything else is a failure. */
export type ExitReason = 'normal' | 'error' | 'hung' | 'out_of_memory';

export type Decision =
  | { readonly do: 'restart'; readonly after_ms: number }
  /** Nobody waits for it any more; it is tried again after its rest, which is far off. */
  | { readonly do: 'quarantine'; readonly rest_ms: number }
  | { readonly do: 'done' };

/** What to do about a child that ended at `now`, and its history from then on. `random` is uniform in [0, 1). */
export function onExit(
  restart: ChildSpec['restart'],
  history: History,
  now: number,
  random: number,
  reason: ExitReason,
  intensity: Intensity = INTENSITY,
): { readonly decision: Decision; readonly history: History } {
  if (restart === 'temporary' || (restart === 'transient' && reason === 'normal')) {
    return { decision: { do: 'done' }, history };
  }
  const recent = history.restarts.filter((at) => now - at < intensity.within_ms);
  const before = restOf(history.rests, intensity);
  const rests = now - history.rested_at < before + intensity.within_ms ? history.rests : 0;
  // One that was rested and fails again at once is not given five more tries.
  const trying = rests > 0 && now - history.rested_at < intensity.within_ms;
  if (trying || recent.length >= intensity.restarts) {
    const rest_ms = jittered(restOf(rests + 1, intensity), random);
    return {
      decision: { do: 'quarantine', rest_ms },
      history: { restarts: [], rests: rests + 1, rested_at: now + rest_ms },
    };
  }
  return {
    decision: { do: 'restart', after_ms: backoff(recent.length, random, intensity) },
    history: { restarts: [...recent, now], rests, rested_at: history.rested_at },
  };
}

function restOf(rests: number, { rest_ms, longest_rest_ms }: Intensity): number {
  return rests === 0 ? 0 : Math.min(longest_rest_ms, rest_ms * 2 ** (rests - 1));
}

function backoff(before: number, random: number, { backoff_ms, longest_backoff_ms }: Intensity): number {
  return before === 0 ? 0 : jittered(Math.min(longest_backoff_ms, backoff_ms * 2 ** (before - 1)), random);
}

/** Between half and all of a wait: children that fell together do not rise together. */
function jittered(full: number, random: number): number {
  return Math.round(full * (0.5 + random / 2));
}
