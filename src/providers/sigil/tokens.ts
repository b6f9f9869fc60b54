// SPDX-License-Identifier: Apache-2.0
// How the offline model counts tokens: a token is four characters, as in the gateway's own estimate.

import type { ChatMessage, ChatRequest, ChatTool, ChatToolCall } from '../provider.ts';

const CHARACTERS_PER_TOKEN = 4;

/** Schemas are the same objects call after call, so each is written out once. */
const toolSizes = new WeakMap<ChatTool, number>();

function toolSize(tool: ChatTool): number {
  const known = toolSizes.get(tool);
  if (known !== undefined) return known;
  const size = tool.name.length + tool.description.length + JSON.stringify(tool.inputSchema).length;
  toolSizes.set(tool, size);
  return size;
}

function callsSize(calls: readonly ChatToolCall[] | undefined): number {
  let size = 0;
  for (const call of calls ?? []) size += call.name.length + call.arguments.length;
  return size;
}

function messageSize(message: ChatMessage): number {
  return message.content.length + (message.toolName?.length ?? 0) + callsSize(message.toolCalls);
}

/** Characters (UTF-16 units) as tokens, rounded up. */
export function tokensOf(characters: number): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN);
}

/** Everything the model is given: system prompt, messages with their tool calls, and the tools' descriptions. */
export function inputTokens(request: ChatRequest): number {
  let size = request.systemPrompt.length;
  for (const message of request.messages) size += messageSize(message);
  for (const tool of request.tools) size += toolSize(tool);
  return tokensOf(size);
}

/** Everything the model wrote. */
export function outputTokens(text: number, calls: readonly ChatToolCall[]): number {
  return tokensOf(text + callsSize(calls));
}
