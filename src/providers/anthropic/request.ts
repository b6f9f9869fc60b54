// SPDX-License-Identifier: Apache-2.0
// A ChatRequest as the body of a streamed Messages call.

import type { Anthropic } from '@anthropic-ai/sdk';
import type { ChatMessage, ChatOptions, ChatRequest } from '../provider.ts';
import { flatSchema, type Json } from '../schema-forms.ts';
import type { ToolNames } from '../tool-names.ts';
import { isReply, type KeptReply } from './kept-reply.ts';
import { claudeModel, claudeTraits } from './models.ts';

/** The SDK's types no longer have sampling; models before 4.7 still take it. */
export type ClaudeBody = Anthropic.MessageCreateParamsStreaming & {
  readonly temperature?: number;
  readonly top_p?: number;
};

/** Tools' names as the API takes them. */
export const CLAUDE_NAMES = { refused: /[^a-zA-Z0-9_-]/g, longest: 64, startsWithLetter: false } as const;

/** The API wants a limit: what is reserved for an answer nobody has limited. Thinking counts towards it. */
const OUTPUT_DEFAULT = 16_384;
const OUTPUT_UNKNOWN = 8_192;
/** The least the API takes as a budget of thinking, and what we ask for where there is room. */
const BUDGET_LEAST = 1024;
const BUDGET = 10_000;

/** From here on everything before is cached for five minutes. */
const CACHED = { cache_control: { type: 'ephemeral' } } as const;

export interface ClaudeContext {
  readonly names: ToolNames;
  readonly kept: (callId: string) => KeptReply | undefined;
}

/** Ids of other vendors' calls may hold more than the API takes. */
function callId(id: string): string {
  return id.replaceAll(/[^a-zA-Z0-9_-]/g, '_') || '_';
}

/** Arguments as the object the API wants; what is no object was never a call of Claude's and is told as text. */
function inputOf(argumentsText: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(argumentsText);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  } catch {
    // Told below.
  }
  return argumentsText.trim() === '' ? {} : { arguments: argumentsText };
}

function attached({ attachments = [] }: ChatMessage): Anthropic.ContentBlockParam[] {
  return attachments.map(({ mediaType, data }) => ({
    type: 'image',
    source: { type: 'base64', media_type: mediaType, data: Buffer.from(data).toString('base64') },
  }));
}

function textBlock(text: string): Anthropic.ContentBlockParam[] {
  // A block of nothing but white space is refused.
  return text.trim() === '' ? [] : [{ type: 'text', text }];
}

function toolUse(call: { id: string; name: string; arguments: string }, names: ToolNames): Anthropic.ToolUseBlockParam {
  return { type: 'tool_use', id: callId(call.id), name: names.sent(call.name), input: inputOf(call.arguments) };
}

interface Blocks {
  readonly role: 'user' | 'assistant';
  readonly content: Anthropic.ContentBlockParam[];
}

function blocksOf(message: ChatMessage, kept: KeptReply | undefined, names: ToolNames): Blocks {
  if (message.role === 'tool') {
    const result: Anthropic.ToolResultBlockParam = {
      type: 'tool_result',
      tool_use_id: callId(message.toolCallId ?? ''),
    };
    return {
      role: 'user',
      content: [{ ...result, ...(message.content.trim() !== '' && { content: message.content }) }],
    };
  }
  if (message.role === 'user') return { role: 'user', content: [...attached(message), ...textBlock(message.content)] };
  const calls = message.toolCalls ?? [];
  if (kept === undefined) {
    return {
      role: 'assistant',
      content: [...textBlock(message.content), ...calls.map((call) => toolUse(call, names))],
    };
  }
  const content = kept.blocks.flatMap((block): Anthropic.ContentBlockParam[] => {
    if (block.type === 'text') return textBlock(block.text);
    if (block.type !== 'tool_use') return [block];
    return calls.filter(({ id }) => id === block.id).map((call) => toolUse(call, names));
  });
  return { role: 'assistant', content };
}

/** Messages of one role after another become one, as the API wants the results of parallel calls. */
function joined(blocks: readonly Blocks[]): Anthropic.MessageParam[] {
  const messages: { role: 'user' | 'assistant'; content: Anthropic.ContentBlockParam[] }[] = [];
  for (const { role, content } of blocks) {
    if (content.length === 0) continue;
    const last = messages.at(-1);
    if (last?.role === role) last.content.push(...content);
    else messages.push({ role, content: [...content] });
  }
  // A window of the history may begin with a reply.
  if (messages[0]?.role === 'assistant')
    messages.unshift({ role: 'user', content: [{ type: 'text', text: '[Earlier messages are left out.]' }] });
  return messages;
}

interface History {
  readonly messages: Anthropic.MessageParam[];
  /** A reply of the running turn should begin with its thinking, and that is not known any more. */
  readonly forgotten: boolean;
}

function history(request: ChatRequest, { names, kept }: ClaudeContext): History {
  // What is handed to a running turn comes right after results and does not begin another.
  const asked = request.messages.findLastIndex(
    ({ role }, at) => role === 'user' && request.messages[at - 1]?.role !== 'tool',
  );
  let forgotten = false;
  const blocks = request.messages.map((message, at) => {
    const first = message.toolCalls?.[0];
    // Only the running turn's: it is bound to everything before it, and older turns leave the window one by one.
    if (message.role !== 'assistant' || first === undefined || at < asked) return blocksOf(message, undefined, names);
    const reply = kept(first.id);
    const usable = reply !== undefined && reply.model === request.model && isReply(reply, message) ? reply : undefined;
    if (usable === undefined) forgotten = true;
    return blocksOf(message, usable, names);
  });
  return { messages: joined(blocks), forgotten };
}

/** The API takes any schema that is an object and no choice of several. */
function objectSchema(schema: Json): Anthropic.Tool.InputSchema {
  const whole = ['$ref', 'allOf', 'anyOf', 'oneOf'].every((key) => schema[key] === undefined);
  return { ...(whole ? schema : flatSchema(schema)), type: 'object' };
}

/** What is asked about thinking, nothing where the model's own way is what was asked for. */
function thinkingOf(
  request: ChatRequest,
  maxTokens: number,
  forgotten: boolean,
): Anthropic.ThinkingConfigParam | undefined {
  const { thinking, quiet } = claudeTraits(request.model);
  if (request.options.thinking === false) return quiet === undefined ? undefined : { type: quiet };
  if (request.options.thinking !== true || thinking === 'none') return undefined;
  if (thinking === 'adaptive') return { type: 'adaptive', display: 'summarized' };
  // With a budget a tool turn without its signed thinking is refused, without thinking it goes on.
  const budget = Math.min(BUDGET, Math.floor(maxTokens / 2));
  return forgotten || budget < BUDGET_LEAST ? undefined : { type: 'enabled', budget_tokens: budget };
}

/**
 * The body. The system prompt and the tools end in a cache breakpoint each. A temperature is left out where the model
 * refuses it: it is newer than 4.6, or it thinks.
 */
export function claudeBody(request: ChatRequest, context: ClaudeContext): ClaudeBody {
  const { model, systemPrompt, tools, options } = request;
  const known = claudeModel(model)?.capabilities.maxOutputTokens;
  const maxTokens = options.maxTokens ?? (known === undefined ? OUTPUT_UNKNOWN : Math.min(known, OUTPUT_DEFAULT));
  const max_tokens = Math.min(maxTokens, known ?? maxTokens);
  const { messages, forgotten } = history(request, context);
  const thinking = thinkingOf(request, max_tokens, forgotten);
  const thinks = thinking?.type === 'adaptive' || thinking?.type === 'enabled';
  const stops = options.stopSequences?.filter((stop) => stop.trim() !== '') ?? [];
  return {
    model,
    max_tokens,
    stream: true,
    ...(systemPrompt.trim() !== '' && { system: [{ type: 'text', text: systemPrompt, ...CACHED }] }),
    ...(tools.length > 0 && {
      tools: tools.map(({ name, description, inputSchema }, at) => ({
        name: context.names.sent(name),
        description,
        input_schema: objectSchema(inputSchema),
        ...(at === tools.length - 1 && CACHED),
      })),
    }),
    messages,
    ...(thinking !== undefined && { thinking }),
    ...(stops.length > 0 && { stop_sequences: stops }),
    ...(options.temperature !== undefined &&
      !thinks &&
      claudeTraits(model).sampling && { temperature: options.temperature }),
    // Beside a temperature some models refuse it.
    ...(options.topP !== undefined &&
      options.temperature === undefined &&
      !thinks &&
      claudeTraits(model).sampling && { top_p: options.topP }),
    ...(tools.length > 0 && toolChoice(options, context.names, thinks)),
    ...(options.responseFormat?.type === 'json_schema' && {
      output_config: { format: { type: 'json_schema' as const, schema: { ...options.responseFormat.schema } } },
    }),
  };
}

/** Which tools are to be called. A model that thinks may be left the choice or told to call none, and nothing else. */
function toolChoice(
  { toolChoice: choice = 'auto', parallelToolCalls }: ChatOptions,
  names: ToolNames,
  thinks: boolean,
): { readonly tool_choice?: Anthropic.ToolChoice } {
  if (choice === 'none') return { tool_choice: { type: 'none' } };
  const one = parallelToolCalls === false ? { disable_parallel_tool_use: true } : {};
  if (choice === 'auto' || thinks) return parallelToolCalls === false ? { tool_choice: { type: 'auto', ...one } } : {};
  if (choice === 'required') return { tool_choice: { type: 'any', ...one } };
  return { tool_choice: { type: 'tool', name: names.sent(choice.name), ...one } };
}
