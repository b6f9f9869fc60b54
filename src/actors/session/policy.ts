// SPDX-License-Identifier: Apache-2.0
// What a lane is told from outside: limits, routing and prices, as one frozen value that is replaced whole when the config changes.

import type { Failure } from '../../errors.ts';
import type { ToolCall } from '../../stores/records.ts';
import type { SessionState } from '../../stores/session-state.ts';

/** The most a call may cost: what is reserved for it. */
export interface Reservation {
  readonly tokens: number;
  readonly cost_usd: number;
}

/** How many senders' keys are remembered by what is awake. */
export interface KeyBounds {
  /** By the sessions of a thread together; some 250 bytes each. */
  readonly most: number;
  /** By a session however many there are: a conversation asks for none of them anew. */
  readonly least: number;
}

export interface LanePolicy {
  /** Messages of the active window. */
  readonly window: number;
  /** Messages that may wait in one session, and the characters they may hold together. */
  readonly waiting_most: number;
  readonly waiting_size: number;
  readonly keys: KeyBounds;
  readonly max_tool_iterations: number;
  readonly max_tool_calls_per_turn: number;
  readonly max_tool_calls_per_session: number;
  /** Tokens a session of this workspace may use; 0: no limit. */
  readonly per_session_tokens: (workspace_id: string) => number;
  /** Whether no new turn is begun now: messages wait, and what runs is finished. Asked each time. */
  readonly paused: () => boolean;
  /** How long a turn may take, in milliseconds. */
  readonly turn_timeout: number;
  /** Attempts without progress after which a turn is given up. */
  readonly attempts_most: number;
  /** Records after which a checkpoint is written at least. */
  readonly checkpoint_every: number;
  /** Idle time after which a lane is put to sleep, in milliseconds. */
  readonly idle_timeout: number;
  /** Awake lanes a thread keeps at most. */
  readonly awake_most: number;
  /** The full name (`provider/model`) of the model that answers, or why none can. */
  readonly route: (asked: {
    readonly requested: string;
    readonly session: string;
    readonly workspace_id: string;
  }) => string | Failure;
  /** The models that are tried, in this order, when the one a turn was to be answered by cannot. */
  readonly failover: (workspace_id: string) => readonly string[];
  /** The most the next call of this state's turn may cost. */
  readonly estimate: (state: SessionState) => Reservation;
  /** The budget scopes whose limits this model's calls could reach: those that must reserve. */
  readonly budgets: (model: string, workspace_id: string) => readonly string[];
  /**
   * Why a person is asked before this call of a state's turn runs: what its tool says, which may be nothing more; null when
   * nobody is.
   */
  readonly approval: (state: SessionState, call: ToolCall) => string | null;
  /** How long a person may take to answer, in milliseconds. */
  readonly approval_timeout: number;
  /** How long a channel is tried to be told something, in milliseconds. */
  readonly outbox_age: number;
  /** Whether an interrupted call of this tool may simply be made again. */
  readonly idempotent: (tool: string) => boolean;
}
