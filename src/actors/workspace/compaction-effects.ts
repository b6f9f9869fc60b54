// SPDX-License-Identifier: Apache-2.0
// What compactions can have done for them: given by the composition root. Each is a message or an adapter; none is awaited.

import type { SummaryReply, SummedFact } from '../../agent/summary-reply.ts';
import type { Failure } from '../../errors.ts';
import type { ChatRequest } from '../../providers/provider.ts';
import type { OpenCompactions } from '../../stores/compaction-fold.ts';
import type { OpenSummary } from '../../stores/compaction-records.ts';
import type { Outcome } from '../../stores/stream-owner.ts';
import type { WorkspaceRecord } from '../../stores/workspace-records.ts';
import type { CallResult } from '../thread/protocol.ts';
import type { CompactionTimes, ReadBatch } from './decide-compaction.ts';

/** Named places in a compaction, in its order: what the crash tests kill at. */
export type CompactionPoint =
  | 'compaction.read'
  | 'compaction.called'
  | 'compaction.summed'
  | 'compaction.stored'
  | 'compaction.told'
  | 'compaction.ended';

/** How a batch is to be summed up by one model. */
export interface CompactionPlan {
  /** `provider/model`. */
  readonly model: string;
  readonly request: ChatRequest;
  readonly taken: number;
  /** The most it may use. */
  readonly tokens: number;
  readonly cost_usd: number;
  /** The budgets it could reach. */
  readonly scopes: readonly string[];
}

export interface CompactionCall extends Pick<CompactionPlan, 'model' | 'request' | 'tokens'> {
  readonly id: string;
  readonly session_id: string;
}

/** What a call has used, as the row with this seq says; none of it and 0 when it was not made. */
export interface SettledCall {
  readonly tokens: number;
  readonly cost_usd: number;
  readonly seq: number;
}

export interface CompactionEffects {
  /** What the workspace's stream has open, as far as it is durable. */
  open(done: (outcome: Outcome<{ readonly open: OpenCompactions; readonly seq: number }>) => void): void;
  /**
   * The oldest messages of a session that are to be summed up, as of a row at least; null when the session is gone. Fewer
   * than `least` that left the window are none.
   */
  read(session_id: string, least: number, after: number, done: (outcome: Outcome<ReadBatch | null>) => void): void;
  /** Sessions that are gone and from which something is left here. */
  gone(done: (outcome: Outcome<readonly string[]>) => void): void;
  /** @param tried models that have failed; undefined when none is left @throws SigilError when no model can be used */
  plan(batch: ReadBatch, tried: readonly string[]): CompactionPlan | Failure | undefined;
  /** The budgets a model's calls could reach. */
  scopes(model: string): readonly string[];
  reserve(
    scopes: readonly string[],
    call: { readonly id: string; readonly call: number; readonly tokens: number; readonly cost_usd: number },
    done: (refused: Failure | null) => void,
  ): void;
  settle(scopes: readonly string[], id: string, call: number, used: SettledCall): void;
  call(call: CompactionCall, done: (outcome: Outcome<CallResult>) => void): void;
  callOff(id: string, session_id: string): void;
  summary(text: string): SummaryReply;
  ids(user_id: string, fact: SummedFact): { readonly entity_id: string; readonly fact_id: string };
  write(records: readonly WorkspaceRecord[], done: (outcome: Outcome<{ readonly seq: number }>) => void): void;
  /** The session is told its summary; false when there is no such session. */
  tell(session_id: string, id: string, summary: OpenSummary, done: (outcome: Outcome<boolean>) => void): void;
  /** Epoch milliseconds of an RFC 3339 time. */
  at(time: string): number;
  point(name: CompactionPoint): void;
  log(level: 'info' | 'warn', fields: Readonly<Record<string, unknown>>, message: string): void;
  /** For the inspector: a step was taken. */
  traced(event: string, started: number): void;
}

export interface CompactionPolicy {
  /** Messages of a session that are kept beside its summaries. */
  readonly keep_last: number;
  readonly batch: number;
  readonly times: CompactionTimes;
}
