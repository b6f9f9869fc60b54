// SPDX-License-Identifier: Apache-2.0
// What a lane's thread makes of the records its sessions make durable: counts, a line of the log for a turn that is over, and what
// whoever follows the status is told of approvals.

import type { SessionRecord, Usage } from '../stores/records.ts';
import type { SessionState } from '../stores/session-state.ts';
import type { ThreadContext } from './context.ts';
import { tellTurnFacts } from './tracing/turn-facts.ts';

/** A turn that runs, as far as it is counted. */
interface Running {
  readonly began: number;
  model: string;
  calls: number;
}

/** Turns that are remembered while they run; past it those that began first are counted without their model. */
const RUNNING_MOST = 20_000;
const UNKNOWN = 'unknown';

type Context = Pick<ThreadContext, 'tell' | 'world' | 'tally' | 'log' | 'bus' | 'house' | 'name'>;

/** Makes what notes each record; see `LaneEffects.recorded`. */
export function sessionNotes(context: Context): (state: SessionState, record: SessionRecord) => void {
  const { tell, world, tally } = context;
  const running = new Map<string, Running>();

  const begins = (turn_id: string, model: string, began: number): void => {
    running.set(turn_id, { began, model, calls: 0 });
    if (running.size <= RUNNING_MOST) return;
    for (const oldest of running.keys()) {
      running.delete(oldest);
      break;
    }
  };
  const ends = ({ facts }: SessionState, turn_id: string, outcome: string, usage: Usage): void => {
    const turn = running.get(turn_id);
    running.delete(turn_id);
    tally.add('sigil_turns_total', 1, { outcome });
    const took_ms = turn === undefined ? undefined : Math.round(world.monotonic() - turn.began);
    if (took_ms !== undefined) tally.time('sigil_turn_duration_seconds', took_ms / 1_000, { outcome });
    const { session_id = '', workspace_id = '', user_id = '' } = facts ?? {};
    const { input_tokens, output_tokens, cost_usd } = usage;
    const { model = UNKNOWN, calls = 0 } = turn ?? {};
    context.log(
      'info',
      {
        turn_id,
        session_id,
        workspace_id,
        user_id,
        outcome,
        took_ms,
        model,
        calls,
        input_tokens,
        output_tokens,
        cost_usd,
      },
      'a turn is over',
    );
  };
  const uses = (model: string, usage: Usage): void => {
    const { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd } = usage;
    tally.add('sigil_model_tokens_total', input_tokens, { model, kind: 'input' });
    tally.add('sigil_model_tokens_total', output_tokens, { model, kind: 'output' });
    if (cache_read_tokens > 0) tally.add('sigil_model_tokens_total', cache_read_tokens, { model, kind: 'cache_read' });
    if (cache_write_tokens > 0)
      tally.add('sigil_model_tokens_total', cache_write_tokens, { model, kind: 'cache_write' });
    if (cost_usd > 0) tally.add('sigil_model_cost_usd_total', cost_usd, { model });
  };
  const found = (where: string, verdict: string): void =>
    tally.add('sigil_scanner_verdicts_total', 1, { where, verdict });

  const note = (state: SessionState, record: SessionRecord): void => {
    switch (record.type) {
      case 'message_received':
        tally.add('sigil_messages_received_total', 1, { channel: record.channel });
        if (record.flagged !== undefined) found('input', 'flag');
        return;
      case 'message_blocked':
        return found('input', 'block');
      case 'turn_started':
        tally.add('sigil_turns_started_total', 1);
        tally.time('sigil_turn_queue_seconds', record.queued_ms / 1_000);
        return begins(record.turn_id, record.model, world.monotonic());
      case 'turn_resumed': {
        const { turn } = state;
        // Where the clock of its first life stood nobody knows: its time counts from here.
        if (turn?.turn_id === record.turn_id) begins(record.turn_id, turn.model, world.monotonic());
        return;
      }
      case 'model_called': {
        const turn = running.get(record.turn_id);
        if (turn === undefined) return;
        turn.model = record.model;
        turn.calls = record.call;
        return;
      }
      case 'model_replaced':
        return tally.add('sigil_model_replaced_total', 1, { model: record.failed.model });
      case 'model_replied': {
        const model = running.get(record.turn_id)?.model ?? UNKNOWN;
        tally.add('sigil_model_calls_total', 1, { model, finish: record.finish });
        uses(model, record.usage);
        if (record.notice !== undefined) found('output', 'flag');
        return;
      }
      case 'tool_returned':
        tally.add('sigil_tool_calls_total', 1, { tool: record.name, outcome: record.is_error ? 'error' : 'ok' });
        tally.time('sigil_tool_call_duration_seconds', record.took_ms / 1_000);
        if (record.warning !== undefined) found('tool', 'flag');
        return;
      case 'turn_finished':
        return ends(state, record.turn_id, record.finish_reason, record.usage);
      case 'turn_failed':
        return ends(state, record.turn_id, record.code, record.usage);
      case 'reply_lost':
        return tally.add('sigil_replies_lost_total', 1, { channel: record.channel });
      case 'approval_requested': {
        const { facts } = state;
        if (facts === null) return;
        const { id, tool, user_id } = record;
        const { session_id, workspace_id } = facts;
        const data = { id, session_id, workspace_id, user_id, tool, expires_at: world.iso(record.expires_at) };
        return tell({ type: 'approval_requested', data });
      }
      case 'approval_decided': {
        tally.add('sigil_approvals_total', 1, { decision: record.decision });
        const { facts } = state;
        if (facts === null) return;
        const { id, decision } = record;
        const { session_id, workspace_id, user_id } = facts;
        return tell({ type: 'approval_decided', data: { id, session_id, workspace_id, user_id, decision } });
      }
      default:
        return;
    }
  };
  const tellFacts = tellTurnFacts(context);
  if (tellFacts === undefined) return note;
  return (state, record) => {
    tellFacts(state, record);
    note(state, record);
  };
}
