// SPDX-License-Identifier: Apache-2.0
// A state chart's state as text, as the paths of its leaves, and in what spirit it is shown.

import type { StateValue } from './wire.ts';

/**
 * The paths of all leaves: `{turn: "calling_model"}` is `["turn.calling_model"]`. Parallel regions are several; in the text of a
 * step they are joined by `+`, and what they have in common is said once (`chart/definition.ts` finds it again).
 */
export function leavesOf(value: StateValue): readonly string[] {
  if (typeof value === 'string') return value.split('+');
  return Object.entries(value).flatMap(([key, inner]) =>
    leavesOf(inner).map((path) => (path === '' ? key : `${key}.${path}`)),
  );
}

/** `turn.calling_model`; of parallel regions one after the other. */
export function stateText(value: StateValue): string {
  return leavesOf(value).join(', ');
}

/** How a state is shown: each has a colour and a shape, and its name is always there to read. */
export type Tone = 'rest' | 'good' | 'busy' | 'waits' | 'bad';

const TONES: Readonly<Record<string, Tone>> = {
  idle: 'rest',
  asleep: 'rest',
  resting: 'rest',
  quiet: 'rest',
  stopped: 'rest',
  disabled: 'rest',
  running: 'good',
  ready: 'good',
  online: 'good',
  open: 'good',
  closed: 'good',
  up: 'good',
  connected: 'good',
  occupied: 'good',
  finished: 'good',
  waiting_for_approval: 'waits',
  waiting: 'waits',
  draining: 'waits',
  backing_off: 'waits',
  retrying: 'waits',
  half_open: 'waits',
  queued: 'waits',
  cancelled: 'waits',
  failed: 'bad',
  quarantined: 'bad',
  unreachable: 'bad',
  lost: 'bad',
};

/** A provider whose circuit is open is not reached; of everything else `open` says that it works. */
export function toneOf(kind: string, value: StateValue): Tone {
  const leaf = leavesOf(value).at(-1)?.split('.').at(-1) ?? '';
  if (kind === 'provider' && leaf === 'open') return 'bad';
  return TONES[leaf] ?? 'busy';
}
