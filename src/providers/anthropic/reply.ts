// SPDX-License-Identifier: Apache-2.0
// Puts one streamed reply of Claude together: its events go in, ours come out, tool calls complete and last.

import type { ChatEvent, ChatFinish, ChatToolCall } from '../provider.ts';
import type { KeptBlock } from './kept-reply.ts';
import type { ClaudeEvent } from './wire.ts';

/** Blocks of one answer, and characters in all of them. */
const BLOCKS_MOST = 1_024;
const CHARACTERS_MOST = 8 * 1_048_576;

type Open =
  | { readonly type: 'text'; text: string }
  | { readonly type: 'thinking'; thinking: string; signature: string }
  | { readonly type: 'redacted_thinking'; readonly data: string }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: unknown; json: string };

const FINISHES: Readonly<Record<string, ChatFinish>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  pause_turn: 'stop',
  tool_use: 'tool_calls',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  refusal: 'content_filter',
};

/** What a reply amounts to when its stream has ended. */
export type ReplyEnd =
  | { readonly ok: true; readonly events: readonly ChatEvent[]; readonly blocks: readonly KeptBlock[] }
  /** It ended otherwise than the vendor promises; the sentence says how. */
  | { readonly ok: false; readonly problem: string };

export interface ClaudeReply {
  /**
   * What an event of the stream shows at once.
   *
   * @throws Error when it is more than a model could mean
   */
  take(event: ClaudeEvent): ChatEvent | undefined;
  /** What it comes to after `message_stop`. */
  end(): ReplyEnd;
}

/** The call's arguments as JSON text of an object, undefined where they were cut off. */
function argumentsOf({ json, input }: { readonly json: string; readonly input: unknown }): string | undefined {
  const text = json.trim() === '' ? JSON.stringify(input ?? {}) : json;
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? text : undefined;
  } catch {
    return undefined;
  }
}

function keptBlock(block: Open): KeptBlock[] {
  if (block.type === 'tool_use') return [{ type: 'tool_use', id: block.id }];
  if (block.type === 'text') return block.text === '' ? [] : [{ type: 'text', text: block.text }];
  if (block.type === 'redacted_thinking') return [{ type: 'redacted_thinking', data: block.data }];
  // Thinking that came without its signature cannot be given back.
  return block.signature === '' ? [] : [{ type: 'thinking', thinking: block.thinking, signature: block.signature }];
}

/** @param ours a tool's name as we know it, of the name it was sent under */
export function createClaudeReply(ours: (name: string) => string): ClaudeReply {
  const blocks = new Map<number, Open>();
  const usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };
  let stopReason: string | undefined;
  let characters = 0;

  const grow = (text: string): string => {
    characters += text.length;
    if (characters > CHARACTERS_MOST) throw new Error(`an answer of more than ${CHARACTERS_MOST} characters`);
    return text;
  };

  /** The counts of later events are totals and replace those before. */
  const counted = (counts: NonNullable<Extract<ClaudeEvent, { type: 'message_delta' }>['usage']>): void => {
    usage.inputTokens = counts.input_tokens ?? usage.inputTokens;
    usage.outputTokens = counts.output_tokens ?? usage.outputTokens;
    usage.cacheReadTokens = counts.cache_read_input_tokens ?? usage.cacheReadTokens;
    usage.cacheWriteTokens = counts.cache_creation_input_tokens ?? usage.cacheWriteTokens;
  };

  const started = (index: number, block: Extract<ClaudeEvent, { type: 'content_block_start' }>['content_block']) => {
    if (block.type === 'other') return undefined;
    if (blocks.size >= BLOCKS_MOST) throw new Error(`an answer of more than ${BLOCKS_MOST} blocks`);
    if (block.type === 'tool_use') blocks.set(index, { ...block, json: '' });
    else if (block.type === 'thinking') blocks.set(index, { ...block, signature: block.signature ?? '' });
    else blocks.set(index, { ...block });
    return shown(block.type === 'text' ? 'text_delta' : 'thinking_delta', firstText(block));
  };

  const grown = (index: number, delta: Extract<ClaudeEvent, { type: 'content_block_delta' }>['delta']) => {
    const block = blocks.get(index);
    if (delta.type === 'text_delta' && block?.type === 'text') {
      block.text += grow(delta.text);
      return shown('text_delta', delta.text);
    }
    if (delta.type === 'thinking_delta' && block?.type === 'thinking') {
      block.thinking += grow(delta.thinking);
      return shown('thinking_delta', delta.thinking);
    }
    if (delta.type === 'signature_delta' && block?.type === 'thinking') block.signature += grow(delta.signature);
    if (delta.type === 'input_json_delta' && block?.type === 'tool_use') block.json += grow(delta.partial_json);
    return undefined;
  };

  const calls = (): { readonly whole: readonly ChatToolCall[]; readonly cut: string | undefined } => {
    const whole: ChatToolCall[] = [];
    let cut: string | undefined;
    for (const block of blocks.values()) {
      if (block.type !== 'tool_use') continue;
      const text = argumentsOf(block);
      if (text === undefined) cut = block.name;
      else whole.push({ id: block.id, name: ours(block.name), arguments: text });
    }
    return { whole, cut };
  };

  return {
    take: (event) => {
      if (event.type === 'content_block_delta') return grown(event.index, event.delta);
      if (event.type === 'content_block_start') return started(event.index, event.content_block);
      if (event.type === 'message_start') counted(event.message.usage);
      if (event.type === 'message_delta') {
        stopReason = event.delta.stop_reason ?? stopReason;
        if (event.usage) counted(event.usage);
      }
      return undefined;
    },
    end: () => {
      if (stopReason === undefined) return { ok: false, problem: 'The message stopped without a reason.' };
      const finish = Object.hasOwn(FINISHES, stopReason) ? FINISHES[stopReason] : 'stop';
      const { whole, cut } = calls();
      if (cut !== undefined && finish === 'tool_calls')
        return { ok: false, problem: `The arguments of the call of ${cut} are not a JSON object.` };
      // A refusal takes back what it follows; of a reply that was cut off, the calls that are complete still count.
      const made = finish === 'content_filter' ? [] : whole;
      const events: ChatEvent[] = made.map((call) => ({ type: 'tool_call', ...call }));
      events.push({ type: 'usage', ...usage });
      events.push({ type: 'done', finishReason: made.length > 0 ? 'tool_calls' : withoutCalls(finish) });
      return { ok: true, events, blocks: made.length > 0 ? [...blocks.values()].flatMap(keptBlock) : [] };
    },
  };
}

function withoutCalls(finish: ChatFinish | undefined): ChatFinish {
  return finish === undefined || finish === 'tool_calls' ? 'stop' : finish;
}

function firstText(block: { readonly type: string; readonly text?: string; readonly thinking?: string }): string {
  return block.text ?? block.thinking ?? '';
}

function shown(type: 'text_delta' | 'thinking_delta', text: string): ChatEvent | undefined {
  return text === '' ? undefined : { type, text };
}
