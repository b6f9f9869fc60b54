// SPDX-License-Identifier: Apache-2.0
// What a model call may cost: tokens counted as characters divided by four, money by the model's price.

import type { Price } from '../providers/pricing.ts';
import type { ChatMessage, ChatRequest, ChatTool, ChatToolCall, ChatUsage } from '../providers/provider.ts';

/** How much text a token is taken to be. */
export const CHARACTERS_PER_TOKEN = 4;
/** What an image is taken to put before a model, in characters: about 1,600 tokens, what vendors count for a large one. */
export const IMAGE_SIZE = 6_400;
const MILLION = 1_000_000;

/** Tools are the same objects call after call, so each schema is written out once. */
const toolSizes = new WeakMap<ChatTool, number>();

/** The characters a tool's description puts before a model. */
export function toolSize(tool: ChatTool): number {
  const known = toolSizes.get(tool);
  if (known !== undefined) return known;
  const size = tool.name.length + tool.description.length + JSON.stringify(tool.inputSchema).length;
  toolSizes.set(tool, size);
  return size;
}

/** The characters a message puts before a model, its tool calls included. */
export function messageSize(message: ChatMessage): number {
  const images = IMAGE_SIZE * ((message.images?.length ?? 0) + (message.attachments?.length ?? 0));
  return textSize(message.content, message.toolCalls) + (message.toolName?.length ?? 0) + images;
}

/** The characters of a text and the tool calls beside it. */
export function textSize(content: string, calls: readonly ChatToolCall[] | undefined): number {
  let size = content.length;
  if (calls !== undefined) for (const call of calls) size += call.name.length + call.arguments.length;
  return size;
}

/** Characters (UTF-16 units) as tokens, rounded up. */
export function tokensOf(characters: number): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN);
}

/**
 * The input tokens of a request. Four characters a token is what European languages come to; it is an estimate for
 * reservations and window sizes, and what the vendor reports is what is settled.
 */
export function estimateTokens(request: ChatRequest): number {
  let size = request.systemPrompt.length;
  for (const message of request.messages) size += messageSize(message);
  for (const tool of request.tools) size += toolSize(tool);
  return tokensOf(size);
}

/** The most tokens a model may answer with: what was asked for, within what the model can. */
export function outputCap(maxTokens: number | undefined, maxOutputTokens: number): number {
  return Math.min(maxTokens ?? maxOutputTokens, maxOutputTokens);
}

/** What a budget holds back for a call. */
export interface Reservation {
  readonly tokens: number;
  /** 0 when the model's price is not known: that it is not is for whoever asks to judge. */
  readonly cost_usd: number;
}

/** The most a call may use: so many tokens of input, and an answer as long as it may be. */
export function reservationOf(input: number, output: number, price: Price | undefined): Reservation {
  return { tokens: input + output, cost_usd: price === undefined ? 0 : usd(input, output, price) };
}

/** What a call cost. Cached input counts as input: the table needs no third price, and only errs to the safe side. */
export function costOf(usage: ChatUsage, price: Price | undefined): number {
  if (price === undefined) return 0;
  return usd(usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens, usage.outputTokens, price);
}

function usd(input: number, output: number, price: Price): number {
  return (input * price.input + output * price.output) / MILLION;
}
