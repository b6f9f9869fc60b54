// SPDX-License-Identifier: Apache-2.0
// What a compaction writes: from what was read and what came of it, the records. Pure; its host writes them and acts after.

import type { SummaryReply, SummedFact } from '../../agent/summary-reply.ts';
import type { Failure } from '../../errors.ts';
import type { CompactionFailed, OpenCompaction } from '../../stores/compaction-records.ts';
import { SUBJECT } from '../../stores/knowledge-view.ts';
import type { CompactionBatch, MemoryMessageRow } from '../../stores/memory-queries.ts';
import type { Usage } from '../../stores/records.ts';
import { NO_USAGE } from '../../stores/session-state.ts';
import type { StoredFact, WorkspaceRecord } from '../../stores/workspace-records.ts';

/** A session with what is to be summed up of it. */
export interface ReadBatch extends CompactionBatch {
  readonly session_id: string;
  readonly user_id: string;
  /** Its own model; empty: routed. */
  readonly model: string;
}

/** Which call of which compaction something is about. */
export interface CallOf {
  readonly id: string;
  readonly session_id: string;
  readonly call: number;
  readonly model: string;
}

/** The people who speak in it, in the order in which they begin. */
export function speakersOf(messages: readonly MemoryMessageRow[]): readonly string[] {
  return [...new Set(messages.flatMap(({ role, user_id }) => (role === 'user' && user_id !== '' ? [user_id] : [])))];
}

export interface Summed {
  readonly of: CallOf;
  readonly batch: ReadBatch;
  /** How many of the batch's messages, from the first on, the summary stands for. */
  readonly taken: number;
  readonly reply: SummaryReply;
  readonly usage: Usage;
  /** Ids that follow from what is stated and by whom. */
  readonly ids: (user_id: string, fact: SummedFact) => { readonly entity_id: string; readonly fact_id: string };
  /** Epoch milliseconds of a time as the batch has it. */
  readonly at: (time: string) => number;
}

/** Summary and facts, in one append with the record that says so: all of it is there, or nothing. */
export function storedRecords(summed: Summed): readonly WorkspaceRecord[] {
  const { of, batch, taken, reply, usage, at } = summed;
  const { id, session_id, call, model } = of;
  const messages = batch.messages.slice(0, taken);
  const times = messages.map(({ created_at }) => at(created_at));
  const speakers = speakersOf(messages);
  const facts = factsOf(summed, speakers);
  const unclaimed = reply.facts.length - facts.length;
  const problem =
    unclaimed === 0
      ? reply.problem
      : [reply.problem, `of ${unclaimed} facts nobody knows who said them`].filter(Boolean).join('; ');
  const entities = new Map(facts.map((fact) => [fact.entity_id, fact]));
  const summary = {
    id,
    session_id,
    user_id: batch.user_id,
    user_ids: [...new Set([...(batch.before?.user_ids ?? []), ...speakers])],
    from: Math.min(...times),
    to: Math.max(...times),
    content: reply.summary,
    message_ids: messages.map((message) => message.id),
  };
  return [
    ...[...entities.values()].map(
      ({ entity_id, entity_name = '', user_id }): WorkspaceRecord => ({
        type: 'entity_put',
        entity: { id: entity_id, type: SUBJECT, name: entity_name, properties: {}, user_id },
        only_new: true,
        session_id,
      }),
    ),
    ...(facts.length === 0 ? [] : [{ type: 'facts_put', facts, only_new: true } as const]),
    { type: 'summary_stored', summary },
    {
      type: 'compaction_stored',
      ...{ id, session_id, call, model, usage, messages: messages.length },
      facts: facts.length,
      facts_problem: problem,
    },
  ];
}

/** What a model guessed is no more certain than that. */
const CONFIDENCE = 0.8;

/** Each is somebody's: what several people said in one session is not everybody's to know. */
function factsOf({ of, batch, reply, ids }: Summed, speakers: readonly string[]): readonly StoredFact[] {
  const only = speakers.length > 1 ? undefined : (speakers[0] ?? batch.user_id);
  return reply.facts.flatMap((fact): StoredFact[] => {
    const user_id = only ?? speakers[(fact.said_by ?? 0) - 1];
    if (user_id === undefined) return [];
    const { subject, predicate, value } = fact;
    const { entity_id, fact_id } = ids(user_id, fact);
    return [
      {
        ...{ id: fact_id, entity_id, entity_name: subject, predicate, value, user_id },
        confidence: CONFIDENCE,
        source: of.id,
        session_id: of.session_id,
      },
    ];
  });
}

/** What its session knows may go: the messages it stands for, beyond those that are kept. */
export function endedRecords(
  { id, session_id }: Pick<OpenCompaction, 'id' | 'session_id'>,
  keep_last: number,
): readonly WorkspaceRecord[] {
  return [
    { type: 'summary_confirmed', id },
    { type: 'messages_trimmed', keep_last, session_id, summarized: true },
    { type: 'compaction_ended', id, session_id },
  ];
}

/** Pauses before a compaction is tried again, in milliseconds: they double; how often it is tried, and how long a call may take. */
export interface CompactionTimes {
  /** The wait behind the calls of turns included. */
  readonly call: number;
  readonly first: number;
  readonly longest: number;
  readonly attempts: number;
}

export const COMPACTION_TIMES: CompactionTimes = { call: 600_000, first: 2_000, longest: 600_000, attempts: 10 };
/** What fails for what is in it will fail again. */
const ATTEMPTS_OF_REQUEST = 3;
/** A budget is asked again after this time at the earliest, in milliseconds. */
const BUDGET_PAUSE = 300_000;

export interface FailedCall {
  /** With the call it failed in; 0 when none was made. */
  readonly of: CallOf;
  readonly error: Failure;
  readonly usage: Usage;
  /** What an interrupted call is settled at. */
  readonly settled: { readonly tokens: number; readonly cost_usd: number };
  /** Failures in a row before this one. */
  readonly attempts: number;
  readonly now: number;
  /** 0 to 1. */
  readonly random: number;
  readonly times: CompactionTimes;
  /** It is not to be tried again by itself. */
  readonly final: boolean;
}

export const NOT_SETTLED = { tokens: 0, cost_usd: 0 } as const;

export function failedRecord(failed: FailedCall): CompactionFailed {
  const { of, error, usage, settled, now, times } = failed;
  const attempts = failed.attempts + 1;
  const most = aboutOf(error) === 'request' ? Math.min(ATTEMPTS_OF_REQUEST, times.attempts) : times.attempts;
  const over = failed.final || attempts >= most;
  return {
    type: 'compaction_failed',
    ...of,
    code: error.code,
    message: error.message,
    usage,
    settled_tokens: settled.tokens,
    settled_usd: settled.cost_usd,
    attempts,
    retry_at: over ? null : now + pauseOf(failed, attempts),
  };
}

function pauseOf({ error, times, random }: FailedCall, attempts: number): number {
  const asked = error.details?.['retry_after_ms'];
  const least = error.code === 'budget_exceeded' ? Math.min(BUDGET_PAUSE, times.longest) : 0;
  const doubled = Math.min(times.longest, times.first * 2 ** (attempts - 1)) * (0.75 + random / 2);
  return Math.ceil(Math.max(least, doubled, typeof asked === 'number' ? Math.min(asked, times.longest) : 0));
}

/** A compaction whose call is interrupted this often in a row may be what interrupts it. */
const INTERRUPTED_MOST = 5;

/** An interrupted call is paid for as reserved: what it used nobody was told. It is tried again at once. */
export function settledRecord(open: OpenCompaction, now: number): CompactionFailed {
  const { id, session_id, call, model, attempts, reserved_tokens, reserved_usd } = open;
  return {
    type: 'compaction_failed',
    ...{ id, session_id, call, model },
    code: 'thread_lost',
    message: 'The call was interrupted.',
    usage: NO_USAGE,
    settled_tokens: reserved_tokens,
    settled_usd: reserved_usd,
    attempts: attempts + 1,
    retry_at: attempts + 1 >= INTERRUPTED_MOST ? null : now,
  };
}

export function aboutOf({ details }: Failure): unknown {
  return details?.['about'];
}

/** Whether what failed says something about more than this one session: the others need not find out. */
export function concernsAll(error: Failure): boolean {
  const about = aboutOf(error);
  return error.code === 'budget_exceeded' || about === 'provider' || about === 'key' || about === 'model';
}
