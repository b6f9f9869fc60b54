// SPDX-License-Identifier: Apache-2.0
// A turn's journal as the stages it went through: receive, prepare, call, process, respond, audit, each with start, end and outcome.

import type { TurnRow, TurnStep } from '../stores/session-store.ts';
import type { TurnStageItem } from './schemas/debug.ts';

type Stage = { -readonly [K in keyof TurnStageItem]: TurnStageItem[K] };

/**
 * The stages in the order they began. A turn prepares, calls and processes once for each of its model calls; what a crash or
 * another model's failure cut short is there again. One that has not ended yet says so with nulls.
 */
export function stagesOf(turn: TurnRow, steps: readonly TurnStep[]): readonly TurnStageItem[] {
  const stages = new Stages();
  for (const step of steps) stages.take(step);
  return stages.whole(turn);
}

class Stages {
  readonly #all: Stage[] = [];
  /** The one that lasts. */
  #open: Stage | undefined;
  /** Calls of the newest reply without a result. */
  #left = 0;
  #results = { ok: 0, error: 0, approvals: 0 };

  take(step: TurnStep): void {
    const { type, at, detail } = step;
    switch (type) {
      case 'message_received':
        this.#begin('receive', at);
        this.#end(at, 'received');
        break;
      case 'turn_started':
        this.#begin('prepare', at);
        break;
      case 'turn_resumed':
        this.#end(at, 'interrupted');
        // Where tools were running, they go on; everything else begins with the request for another call.
        if (this.#left > 0) this.#begin('process', at);
        else this.#begin('prepare', at);
        break;
      case 'model_called':
        this.#end(at, 'ok');
        this.#begin('call', at, { model: detail['model'], call: detail['call'] });
        break;
      case 'model_replied':
        this.#end(at, String(detail['finish']));
        // Of what broke off nothing is worked on.
        if (detail['finish'] !== 'failed') this.#begin('process', at);
        break;
      case 'model_replaced':
        this.#end(at, 'replaced');
        this.#begin('prepare', at);
        break;
      case 'tool_called':
        this.#left = Array.isArray(detail['calls']) ? detail['calls'].length : 0;
        this.#results = { ok: 0, error: 0, approvals: 0 };
        break;
      case 'approval_requested':
        this.#results.approvals += 1;
        break;
      case 'tool_returned':
        this.#returned(at, detail['is_error'] === true);
        break;
      case 'turn_finished':
        this.#over(at, String(detail['finish_reason']));
        break;
      case 'turn_failed':
        this.#over(at, String(detail['code']));
        break;
      default:
        break;
    }
  }

  whole(turn: TurnRow): readonly TurnStageItem[] {
    if (turn.ended_at !== null) this.#all.push(auditOf(turn, turn.ended_at));
    return this.#all;
  }

  #begin(stage: Stage['stage'], start: string, detail: Stage['detail'] = {}): void {
    this.#open = { stage, start, end: null, outcome: null, detail };
    this.#all.push(this.#open);
  }

  #end(at: string, outcome: string): void {
    if (this.#open === undefined) return;
    this.#open.end = at;
    this.#open.outcome = outcome;
    this.#open = undefined;
  }

  #returned(at: string, is_error: boolean): void {
    this.#left -= 1;
    this.#results[is_error ? 'error' : 'ok'] += 1;
    if (this.#left > 0) return;
    const { ok, error, approvals } = this.#results;
    if (this.#open !== undefined) this.#open.detail = { tools: ok + error, errors: error, approvals };
    this.#end(at, 'ok');
    this.#begin('prepare', at);
  }

  #over(at: string, outcome: string): void {
    // What began at once with the end of what was before it, and came to nothing, was none.
    if (this.#open?.stage === 'prepare' && this.#open.start === at && this.#all.length > 2) this.#all.pop();
    this.#end(at, this.#open?.stage === 'process' && this.#left === 0 ? 'ok' : outcome);
    this.#begin('respond', at);
    this.#end(at, outcome);
  }
}

/** The one entry a turn leaves: who, where, by which model, with which tools, what it took, and how it went. */
function auditOf(turn: TurnRow, at: string): TurnStageItem {
  const { usage } = turn;
  const detail = {
    user_id: turn.user_id,
    workspace_id: turn.workspace_id,
    session_id: turn.session_id,
    model: turn.model,
    tools: turn.tool_calls.map(({ name }) => name),
    tokens: usage.input_tokens + usage.output_tokens + usage.cache_read_tokens + usage.cache_write_tokens,
    cost_usd: usage.cost_usd,
    took_ms: turn.started_at === null ? 0 : Math.max(0, Date.parse(at) - Date.parse(turn.started_at)),
  };
  return { stage: 'audit', start: at, end: at, outcome: turn.error?.code ?? turn.finish_reason ?? 'stop', detail };
}
