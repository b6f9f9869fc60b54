// SPDX-License-Identifier: Apache-2.0
// What a call used where the vendor does not say: characters of everything in it, divided by four.

import type { ChatEvent, ChatRequest } from './provider.ts';
import { inputTokens, outputTokens } from './sigil/tokens.ts';

/**
 * @param written characters of text and thinking in the answer
 * @param calls the events of its tool calls
 */
export function estimatedUsage(request: ChatRequest, written: number, calls: readonly ChatEvent[]): ChatEvent {
  const made = calls.filter((event) => event.type === 'tool_call');
  return {
    type: 'usage',
    inputTokens: inputTokens(request),
    outputTokens: outputTokens(written, made),
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    estimated: true,
  };
}
