// SPDX-License-Identifier: Apache-2.0
// What a workspace's stream says of compactions: a model was called for one, it failed, what came of it is stored, it is over.

import type { ErrorCode } from '../errors.ts';
import type { Usage } from './records.ts';

interface OfCompaction {
  /** The compaction's, and its summary's. */
  readonly id: string;
  readonly session_id: string;
}

/** A model is about to be asked for a summary. */
export interface CompactionCalled extends OfCompaction {
  readonly type: 'compaction_called';
  /** Counts the calls of a compaction from 1. */
  readonly call: number;
  /** `provider/model`. */
  readonly model: string;
  /** Reserved for it: what a call that a crash interrupts is settled at. */
  readonly reserved_tokens: number;
  readonly reserved_usd: number;
}

/** A compaction came to nothing for now: everything is as it was. */
export interface CompactionFailed extends OfCompaction {
  readonly type: 'compaction_failed';
  readonly code: ErrorCode;
  /** Without what anybody said. */
  readonly message: string;
  /** The call it failed in, and its model; 0 and empty when none was made. */
  readonly call: number;
  readonly model: string;
  readonly usage: Usage;
  /** What an interrupted call is settled at. */
  readonly settled_tokens: number;
  readonly settled_usd: number;
  /** How often in a row it has failed. */
  readonly attempts: number;
  /** When it is tried again, epoch milliseconds; null: not until the session has grown or somebody asks. */
  readonly retry_at: number | null;
}

/** Its summary and its facts are stored, in the same append as this. */
export interface CompactionStored extends OfCompaction {
  readonly type: 'compaction_stored';
  readonly call: number;
  readonly model: string;
  readonly usage: Usage;
  readonly messages: number;
  readonly facts: number;
  /** Why there are no facts, or fewer than the model told; null when there is nothing to say. */
  readonly facts_problem: string | null;
}

/** The session knows its summary, and what it stands for may leave memory. */
export interface CompactionEnded extends OfCompaction {
  readonly type: 'compaction_ended';
}

/** A session is gone: what was made of it goes from the workspace, from this record's stream too. */
export interface SessionForgotten {
  readonly type: 'session_forgotten';
  readonly session_id: string;
}

export type CompactionRecord =
  | CompactionCalled
  | CompactionFailed
  | CompactionStored
  | CompactionEnded
  | SessionForgotten;

/** A compaction that is not over, as far as it is journaled. */
export interface OpenCompaction extends OfCompaction {
  /** What of it was journaled last. */
  readonly stage: 'called' | 'failed' | 'stored';
  /** Calls so far. */
  readonly call: number;
  readonly model: string;
  readonly reserved_tokens: number;
  readonly reserved_usd: number;
  readonly attempts: number;
  /** Once it has failed: when it is tried again, epoch milliseconds. */
  readonly retry_at: number;
  /** What the session is still to be told; null before it is stored. */
  readonly summary: OpenSummary | null;
}

export interface OpenSummary {
  readonly content: string;
  readonly from: number;
  readonly to: number;
  readonly messages: number;
  /** Whose words may be in it; not given in checkpoints of versions before. */
  readonly user_ids?: readonly string[];
}

/** A checkpoint's form of them. */
export interface PackedCompactions {
  readonly open: readonly OpenCompaction[];
}
