// SPDX-License-Identifier: Apache-2.0
// When something that ended is started again: a pure decision from its history.

/** A child of the tree, as data. */
export interface ChildSpec<S = string> {
  readonly id: string;
  /** The thread it runs on. */
  readonly thread: string;
  /** What to start; the composition root knows how. */
  readonly start: S;
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
}

export const INTENSITY: Intensity = { restarts: 5, within_ms: 60_000, backoff_ms: 100, longest_backoff_ms: 10_000 };

/** When a child was restarted, oldest first; only what still counts is kept. */
export type History = readonly number[];

export const NO_HISTORY: History = [];

/** `normal`: it ended because it was done; anything else is a failure. */
export type ExitReason = 'normal' | 'error' | 'hung' | 'out_of_memory';

export type Decision =
  | { readonly do: 'restart'; readonly after_ms: number }
  /** Not started again until somebody says so. */
  | { readonly do: 'quarantine' }
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
  const recent = history.filter((at) => now - at < intensity.within_ms);
  if (recent.length >= intensity.restarts) return { decision: { do: 'quarantine' }, history: recent };
  return {
    decision: { do: 'restart', after_ms: backoff(recent.length, random, intensity) },
    history: [...recent, now],
  };
}

/** Between half and all of the doubled wait: children that fell together do not rise together. */
function backoff(before: number, random: number, { backoff_ms, longest_backoff_ms }: Intensity): number {
  if (before === 0) return 0;
  const full = Math.min(longest_backoff_ms, backoff_ms * 2 ** (before - 1));
  return Math.round(full * (0.5 + random / 2));
}
