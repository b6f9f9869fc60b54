// SPDX-License-Identifier: Apache-2.0
// When a gateway is killed, life after life, drawn from the seed.

import { KILL_POINTS, type KillPoint } from '../../src/composition/kill-points.ts';
import type { QueueMode } from '../../src/stores/records.ts';

export type Kill =
  /** So long after it listens, under load. */
  | { readonly kind: 'load'; readonly after_ms: number }
  /** So long after its process began: while it starts, or takes up what the last kill interrupted. */
  | { readonly kind: 'start'; readonly after_ms: number }
  /** At a named place, the n-th time it is passed. */
  | { readonly kind: 'point'; readonly point: KillPoint; readonly nth: number };

export interface Life {
  readonly kill: Kill;
  /** What a message does while another turn of its session runs. */
  readonly queue: QueueMode;
  /** Nothing new is said after a while: the journal's file is checkpointed, lanes fall asleep. */
  readonly lull: boolean;
}

const QUEUES: readonly [QueueMode, ...QueueMode[]] = ['followup', 'interrupt', 'collect', 'steer'];

/** Places that a process passes once, or a lane's thread. */
const ONCE: ReadonlySet<KillPoint> = new Set([
  'start.locked',
  'journal.opened',
  'start.listening',
  'start.ready',
  'recover.owed',
  'drain.begun',
  'drain.lanes_done',
]);
/** Places that are passed only when nothing is said. */
const IN_A_LULL: ReadonlySet<KillPoint> = new Set([
  'journal.before_checkpoint',
  'journal.after_checkpoint',
  'lane.asleep',
]);

/** Kills under load come this long after a start at most, in milliseconds; those in a start this long. */
const LOAD_MS = { least: 20, most: 400 } as const;
const START_MS = 350;

export function lifeAt(point: KillPoint, nth: number, queue: Life['queue']): Life {
  return { kill: { kind: 'point', point, nth: ONCE.has(point) ? 1 : nth }, queue, lull: IN_A_LULL.has(point) };
}

/** Every place killed at, one life each; before a recovery one that leaves something to be taken up. */
export function everyPoint(nth: number): readonly Life[] {
  return KILL_POINTS.flatMap((point, at): readonly Life[] => {
    const life = lifeAt(point, nth, QUEUES[at % QUEUES.length] ?? 'followup');
    if (!point.startsWith('recover.')) return [life];
    return [lifeAt('model.first_delta', 3, life.queue), life];
  });
}

/** Lives that end at random. */
export function randomLives(random: () => number, kills: number): readonly Life[] {
  return Array.from({ length: kills }, (): Life => {
    const [what, when, which, mode] = [random(), random(), random(), random()];
    const queue = QUEUES[Math.floor(mode * QUEUES.length)] ?? 'followup';
    if (what < 0.7) {
      const after_ms = LOAD_MS.least + when * (LOAD_MS.most - LOAD_MS.least);
      return { kill: { kind: 'load', after_ms }, queue, lull: what < 0.05 };
    }
    if (what < 0.85) return { kill: { kind: 'start', after_ms: when * START_MS }, queue, lull: false };
    const point = KILL_POINTS[Math.floor(which * KILL_POINTS.length)] ?? 'journal.before_commit';
    return lifeAt(point, 1 + Math.floor(when * 4), queue);
  });
}
