// SPDX-License-Identifier: Apache-2.0
// What a lane tells of its turns while traces are made: when which record became durable, with names and numbers and no text.

import { type Address, address } from '../../bus/address.ts';
import { type Topic, topic } from '../../bus/envelope.ts';
import type { SessionRecord } from '../../stores/records.ts';
import type { SessionState } from '../../stores/session-state.ts';
import type { ThreadContext } from '../context.ts';

/** What happened. */
export type Happened =
  | {
      readonly type: 'started';
      readonly session_id: string;
      readonly workspace_id: string;
      readonly model: string;
      readonly queued_ms: number;
    }
  | { readonly type: 'resumed'; readonly session_id: string; readonly workspace_id: string; readonly attempt: number }
  | { readonly type: 'called'; readonly call: number; readonly model: string }
  | {
      readonly type: 'replied';
      readonly finish: string;
      readonly input_tokens: number;
      readonly output_tokens: number;
    }
  | { readonly type: 'replaced'; readonly model: string; readonly code: string }
  | {
      readonly type: 'tool';
      readonly call_id: string;
      readonly name: string;
      readonly is_error: boolean;
      readonly took_ms: number;
    }
  | { readonly type: 'asked'; readonly id: string; readonly tool: string }
  | { readonly type: 'decided'; readonly id: string; readonly decision: string }
  | { readonly type: 'ended'; readonly outcome: string; readonly failed: boolean };

export interface TurnFact {
  readonly turn_id: string;
  /** Epoch milliseconds with a fraction, the same clock on every thread: see `World.origin`. */
  readonly at: number;
  readonly happened: Happened;
}

/** Where the facts of a lane are heard. */
export function turnFactsOf(lane: string): Topic<TurnFact> {
  return topic<TurnFact>(address('thread', lane) as Address, 'turn-facts');
}

/** Tells of each record what a trace shows of it; undefined where no traces are made. */
export function tellTurnFacts({
  bus,
  house,
  name,
  world,
}: Pick<ThreadContext, 'bus' | 'house' | 'name' | 'world'>):
  | ((state: SessionState, record: SessionRecord) => void)
  | undefined {
  if (house.config.telemetry.otlp_endpoint === '') return undefined;
  const facts = turnFactsOf(name);
  return (state, record) => {
    const happened = happenedIn(state, record);
    if (happened === undefined || !('turn_id' in record)) return;
    bus.publish(facts, { turn_id: record.turn_id, at: world.origin + world.monotonic(), happened });
  };
}

function happenedIn({ facts }: SessionState, record: SessionRecord): Happened | undefined {
  const { session_id = '', workspace_id = '' } = facts ?? {};
  switch (record.type) {
    case 'turn_started':
      return { type: 'started', session_id, workspace_id, model: record.model, queued_ms: record.queued_ms };
    case 'turn_resumed':
      return { type: 'resumed', session_id, workspace_id, attempt: record.attempt };
    case 'model_called':
      return { type: 'called', call: record.call, model: record.model };
    case 'model_replied': {
      const { input_tokens, output_tokens } = record.usage;
      return { type: 'replied', finish: record.finish, input_tokens, output_tokens };
    }
    case 'model_replaced':
      return { type: 'replaced', model: record.failed.model, code: record.failed.code };
    case 'tool_returned': {
      const { call_id, name, is_error, took_ms } = record;
      return { type: 'tool', call_id, name, is_error, took_ms };
    }
    case 'approval_requested':
      return { type: 'asked', id: record.id, tool: record.tool };
    case 'approval_decided':
      return { type: 'decided', id: record.id, decision: record.decision };
    case 'turn_finished':
      return { type: 'ended', outcome: record.finish_reason, failed: false };
    case 'turn_failed':
      return { type: 'ended', outcome: record.code, failed: true };
    default:
      return undefined;
  }
}
