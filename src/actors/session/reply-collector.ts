// SPDX-License-Identifier: Apache-2.0
// Collects one model reply as it streams in: the text, how it was cut, the tool calls, the usage.

import { type Failure, failure } from '../../errors.ts';
import type { FinishReason, ToolCall, Usage, Warning } from '../../stores/records.ts';
import { NO_USAGE } from '../../stores/session-state.ts';
import { EVENTS_PER_ATTEMPT, type ShortEvent } from '../../stores/turn-events.ts';
import type { ModelOutcome } from './decide.ts';
import type { ReplyEvent } from './effects.ts';

/** Characters of text and thinking one reply may hold; a model that never ends is cut here. */
const REPLY_MOST = 4 * 1_048_576;
/** Deltas one reply may hold, well within the numbers an attempt has. */
const DELTAS_MOST = EVENTS_PER_ATTEMPT / 10;
/** Tool calls taken from one reply; more are not a plan but a fault. */
const CALLS_MOST = 128;

export class ReplyCollector {
  private content = '';
  private thinking = '';
  private readonly deltas: number[] = [];
  private readonly calls: ToolCall[] = [];
  private usage: Usage = NO_USAGE;
  private notice: Warning | null = null;
  private readonly cost: (usage: Usage) => number;

  /** @param cost what a usage costs, in USD */
  constructor(cost: (usage: Usage) => number) {
    this.cost = cost;
  }

  /** Takes one event; returns what listeners see of it, or null. */
  take(event: ReplyEvent): ShortEvent | null {
    switch (event.type) {
      case 'text_delta':
        if (event.text === '') return null;
        this.content += event.text;
        this.deltas.push(event.text.length);
        return event.text;
      case 'thinking_delta':
        if (event.text === '') return null;
        this.thinking += event.text;
        this.deltas.push(-event.text.length);
        return { event: 'thinking_delta', data: { text: event.text } };
      case 'tool_call':
        if (this.calls.length < CALLS_MOST)
          this.calls.push({ id: event.id, name: event.name, arguments: event.arguments });
        return null;
      case 'usage': {
        const usage = {
          input_tokens: event.inputTokens,
          output_tokens: event.outputTokens,
          cache_read_tokens: event.cacheReadTokens,
          cache_write_tokens: event.cacheWriteTokens,
          cost_usd: 0,
        };
        this.usage = { ...usage, cost_usd: this.cost(usage) };
        return null;
      }
      case 'notice':
        this.notice = event.warning;
        return null;
      default:
        return null;
    }
  }

  /** Whether the reply has grown past what is taken: it ends here with `length`. */
  get full(): boolean {
    return this.content.length + this.thinking.length > REPLY_MOST || this.deltas.length > DELTAS_MOST;
  }

  ended(finish: FinishReason | 'tool_calls'): ModelOutcome {
    return this.outcome({ kind: 'done', finish });
  }

  failed(error: Failure = failure('provider_error', 'The model ended without an answer.')): ModelOutcome {
    return this.outcome({ kind: 'failed', error });
  }

  private outcome(end: ModelOutcome['end']): ModelOutcome {
    const { content, thinking, deltas, usage, notice } = this;
    const outcome = { content, thinking, deltas, tool_calls: this.calls, usage, end };
    return notice === null ? outcome : { ...outcome, notice };
  }
}
