// SPDX-License-Identifier: Apache-2.0
// Requests as tests need them: one message, all the tools the offline model knows.

import type { ChatMessage, ChatRequest, ChatTool } from '../../src/providers/provider.ts';

const tool = (name: string): ChatTool => ({ name, description: `The ${name}.`, inputSchema: { type: 'object' } });

export const TOOLS: readonly ChatTool[] = [
  ...['calculator', 'clock', 'memory_search', 'memory_remember'],
  ...['memory_forget', 'memory_recall', 'memory_semantic', 'session_list'],
].map(tool);

export const user = (content: string): ChatMessage => ({ role: 'user', content, origin: 'user_input' });

/** A request to the offline model with these messages; texts are the person's. */
export function request(messages: string | readonly ChatMessage[], more: Partial<ChatRequest> = {}): ChatRequest {
  return {
    model: 'offline',
    systemPrompt: 'Be brief.',
    messages: typeof messages === 'string' ? [user(messages)] : messages,
    tools: TOOLS,
    options: {},
    ...more,
  };
}
