// SPDX-License-Identifier: Apache-2.0
// A session's state as a checkpoint keeps it, and how one is read that was written before states had all they have now.

import type { Outgoing } from './outbox.ts';
import {
  type KnownKey,
  NO_MESSAGES,
  NONE_OUTGOING,
  NONE_STEERED,
  type SessionState,
  type SessionSummary,
  type TurnState,
} from './session-state.ts';

/** What a turn of a checkpoint may lack that was written before turns had it. */
type Later = 'replaced' | 'collected' | 'steered' | 'waited';
type PackedTurn = Omit<TurnState, Later> & Partial<Pick<TurnState, Later>>;

function unpackTurn(turn: PackedTurn): TurnState {
  const { replaced = null, collected = NO_MESSAGES, steered = NONE_STEERED, waited = null } = turn;
  return { ...turn, replaced, collected, steered, waited };
}

/** A checkpoint's form of a state: plain JSON. */
export interface PackedSession {
  readonly state: Omit<SessionState, 'keys' | 'turn' | 'summary' | 'outbox'> & {
    readonly summary?: SessionSummary | null;
    readonly outbox?: readonly Outgoing[];
    readonly keys: readonly (readonly [string, KnownKey])[];
    readonly turn: PackedTurn | null;
  };
  /** Seqs of the open turns' messages, and of what channels are owed under the name of the part. A negative number counts back from the checkpoint's own row. */
  readonly owed: readonly (readonly [turn_id: string, seq: number])[];
}

export function packSession(state: SessionState, owed: PackedSession['owed']): PackedSession {
  return { state: { ...state, keys: [...state.keys] }, owed };
}

/** @param seq the checkpoint's own row */
export function unpackSession(packed: PackedSession, seq: number): { state: SessionState; owed: Map<string, number> } {
  const { turn } = packed.state;
  return {
    state: {
      ...packed.state,
      // Written before there were summaries.
      summary: packed.state.summary ?? null,
      outbox: packed.state.outbox ?? NONE_OUTGOING,
      turn: turn === null ? null : unpackTurn(turn),
      keys: new Map(packed.state.keys),
      since_checkpoint: 0,
    },
    owed: new Map(packed.owed.map(([turn_id, at]) => [turn_id, at > 0 ? at : seq + at])),
  };
}
