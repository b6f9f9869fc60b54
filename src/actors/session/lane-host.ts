// SPDX-License-Identifier: Apache-2.0
// What a lane begins with: its thread, which all lanes of it share, and its session's log.

import type { Failure } from '../../errors.ts';
import type { SessionState } from '../../stores/session-state.ts';
import type { World } from '../../world.ts';
import type { LaneEffects } from './effects.ts';
import type { LanePolicy } from './policy.ts';

/** What a thread gives all its lanes: one of it for all of them, because a lane that rests should weigh little. @typeParam L a lane */
export interface LaneHost<L> {
  readonly world: World;
  /** What a turn goes by; what is in force now, where none is named. */
  readonly policy: (turn_id?: string) => LanePolicy;
  readonly effects: LaneEffects;
  /** It may remember more keys than before. */
  remembered(lane: L): void;
  /** Told after every event of the chart: its name, the state value now, when handling began. */
  traced(lane: L, event: string, to: unknown, started: number): void;
  /** The session was opened: its creation is durable. */
  opened(lane: L, workspace_id: string): void;
  /** A turn began at this time (epoch milliseconds), or goes on. */
  began(lane: L, started_at: number): void;
  /** Something of it is due at this time (epoch milliseconds), which may be earlier than what was known of. */
  due(lane: L, at: number): void;
  /** It rested, and does not any more. */
  stirred(lane: L): void;
  /** Nothing runs, nothing waits, nothing is on its way: it rests from here on. */
  rested(lane: L): void;
  /** Runs a lane's own code from a timer: what it throws harms the lane alone. */
  guarded(lane: L, run: () => void): void;
  /** The session is gone, durably; everyone who waited for that is told. */
  deleted(lane: L, workspace_id: string): void;
  /** The lane cannot go on; it has told everyone who waits. */
  lost(lane: L, error: Failure): void;
}

/** A session's log, folded. */
export interface FoldedLog {
  readonly state: SessionState;
  /** The head's number, and the newest row's seq. */
  readonly n: number;
  readonly seq: number;
  /** The seqs of what it owes, by turn. */
  readonly owed: ReadonlyMap<string, number>;
}
