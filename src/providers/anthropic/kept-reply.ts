// SPDX-License-Identifier: Apache-2.0
// A reply with thinking as the Messages API wants it back on a tool turn: unchanged, in its order, from the same model.

import type { Anthropic } from '@anthropic-ai/sdk';
import type { ChatMessage } from '../provider.ts';

/** A block as it came. Of a tool call only the place is kept: its arguments are in the message. */
export type KeptBlock =
  | Anthropic.ThinkingBlockParam
  | Anthropic.RedactedThinkingBlockParam
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool_use'; readonly id: string };

export interface KeptReply {
  readonly model: string;
  readonly blocks: readonly KeptBlock[];
}

/** Whether anything in it is worth keeping: without thinking the message says it all. */
export function hasThinking(blocks: readonly KeptBlock[]): boolean {
  return blocks.some(({ type }) => type === 'thinking' || type === 'redacted_thinking');
}

/** Characters of a kept reply. */
export function keptSize({ blocks }: KeptReply): number {
  return blocks.reduce((size, block) => {
    if (block.type === 'thinking') return size + block.thinking.length + block.signature.length;
    if (block.type === 'redacted_thinking') return size + block.data.length;
    return size + (block.type === 'text' ? block.text.length : block.id.length);
  }, 0);
}

/**
 * Whether a message of the history is this reply. Signed thinking goes with what was said after it: where the text was
 * changed meanwhile, by the redactor say, or a call was taken out, the vendor would refuse it.
 */
export function isReply({ blocks }: KeptReply, { content, toolCalls = [] }: ChatMessage): boolean {
  const text = blocks.map((block) => (block.type === 'text' ? block.text : '')).join('');
  const ids = blocks.flatMap((block) => (block.type === 'tool_use' ? [block.id] : []));
  return text === content && ids.length === toolCalls.length && ids.every((id, at) => id === toolCalls[at]?.id);
}
