// SPDX-License-Identifier: Apache-2.0
// A ChatRequest as the parameters of a streamed generateContent call.

import type {
  Content,
  FunctionCallingConfig,
  GenerateContentConfig,
  GenerateContentParameters,
  Part,
} from '@google/genai';
import type { ChatMessage, ChatRequest, ChatToolCall, ChatToolChoice } from '../provider.ts';
import type { ToolNames } from '../tool-names.ts';
import { isReply, type KeptParts } from './kept-parts.ts';
import { thinkingConfig, wantsSignatures } from './models.ts';
import { googleSchema } from './schema.ts';

/** Tools' names as the API takes them. */
export const GEMINI_NAMES = { refused: /[^a-zA-Z0-9_.-]/g, longest: 64, startsWithLetter: true } as const;

/**
 * Stands for the signature of a call that has none: one of another vendor, or of before a restart. The vendor names it for
 * this (https://ai.google.dev/gemini-api/docs/thought-signatures).
 */
const UNSIGNED = 'skip_thought_signature_validator';

export interface GeminiContext {
  readonly names: ToolNames;
  readonly kept: (callId: string) => KeptParts | undefined;
}

function argsOf(argumentsText: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(argumentsText);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  } catch {
    // Told below.
  }
  return argumentsText.trim() === '' ? {} : { arguments: argumentsText };
}

function textPart(text: string): Part[] {
  return text === '' ? [] : [{ text }];
}

function callPart({ id, name, arguments: text }: ChatToolCall, names: ToolNames, signature: string | undefined): Part {
  return {
    functionCall: { id, name: names.sent(name), args: argsOf(text) },
    ...(signature !== undefined && { thoughtSignature: signature }),
  };
}

function replyParts(message: ChatMessage, reply: KeptParts | undefined, names: ToolNames, signed: boolean): Part[] {
  const calls = message.toolCalls ?? [];
  if (reply === undefined) {
    // Of parallel calls only the first one carries a signature.
    const unsigned = (at: number): string | undefined => (signed && at === 0 ? UNSIGNED : undefined);
    return [...textPart(message.content), ...calls.map((call, at) => callPart(call, names, unsigned(at)))];
  }
  return reply.parts.flatMap((part): Part[] => {
    if (part.type === 'call')
      return calls.filter(({ id }) => id === part.id).map((call) => callPart(call, names, part.signature));
    return [{ text: part.text, ...(part.signature !== undefined && { thoughtSignature: part.signature }) }];
  });
}

/** Messages of one role after another become one, as the API wants the results of parallel calls. */
function joined(contents: readonly { readonly role: 'user' | 'model'; readonly parts: readonly Part[] }[]): Content[] {
  const whole: { role: string; parts: Part[] }[] = [];
  for (const { role, parts } of contents) {
    if (parts.length === 0) continue;
    const last = whole.at(-1);
    if (last?.role === role) last.parts.push(...parts);
    else whole.push({ role, parts: [...parts] });
  }
  // A window of the history may begin with a reply.
  if (whole[0]?.role === 'model')
    whole.unshift({ role: 'user', parts: [{ text: '[Earlier messages are left out.]' }] });
  return whole;
}

function contentsOf({ model, messages }: ChatRequest, { names, kept }: GeminiContext): Content[] {
  const called = new Map<string, string>();
  const signed = wantsSignatures(model);
  return joined(
    messages.map((message) => {
      if (message.role === 'user') {
        const images = (message.attachments ?? []).map(({ mediaType, data }) => ({
          inlineData: { mimeType: mediaType, data: Buffer.from(data).toString('base64') },
        }));
        return { role: 'user', parts: [...images, ...textPart(message.content)] };
      }
      if (message.role === 'tool') {
        const id = message.toolCallId ?? '';
        const name = message.toolName ?? called.get(id) ?? 'unknown';
        const functionResponse = { id, name: names.sent(name), response: { output: message.content } };
        return { role: 'user', parts: [{ functionResponse }] };
      }
      for (const { id, name } of message.toolCalls ?? []) called.set(id, name);
      const first = message.toolCalls?.[0];
      const reply = first === undefined ? undefined : kept(first.id);
      const usable = reply?.model === model && isReply(reply, message) ? reply : undefined;
      return { role: 'model', parts: replyParts(message, usable, names, signed) };
    }),
  );
}

/** The parameters but for the signal: nothing is called by the SDK itself, and one call is one request. */
export function geminiParameters(
  request: ChatRequest,
  context: GeminiContext,
): GenerateContentParameters & { readonly config: GenerateContentConfig } {
  const { model, systemPrompt, tools, options } = request;
  const { temperature, maxTokens, stopSequences = [], thinking, topP, seed, toolChoice, responseFormat } = options;
  const thinkingAsked = thinkingConfig(model, thinking);
  const stops = stopSequences.filter((stop) => stop !== '');
  const functionDeclarations = tools.map(({ name, description, inputSchema }) => {
    const parameters = googleSchema(inputSchema);
    return { name: context.names.sent(name), description, ...(parameters !== undefined && { parameters }) };
  });
  return {
    model,
    contents: contentsOf(request, context),
    config: {
      automaticFunctionCalling: { disable: true },
      automaticContinuation: false,
      ...(systemPrompt !== '' && { systemInstruction: { parts: [{ text: systemPrompt }] } }),
      ...(temperature !== undefined && { temperature }),
      ...(maxTokens !== undefined && { maxOutputTokens: maxTokens }),
      ...(stops.length > 0 && { stopSequences: stops }),
      ...(thinkingAsked !== undefined && { thinkingConfig: thinkingAsked }),
      ...(functionDeclarations.length > 0 && { tools: [{ functionDeclarations }] }),
      ...(topP !== undefined && { topP }),
      ...(seed !== undefined && { seed }),
      ...(functionDeclarations.length > 0 &&
        toolChoice !== undefined && {
          toolConfig: { functionCallingConfig: callingConfig(toolChoice, context.names) },
        }),
      ...(responseFormat !== undefined && {
        responseMimeType: 'application/json',
        ...(responseFormat.type === 'json_schema' && { responseJsonSchema: responseFormat.schema }),
      }),
    },
  };
}

/** The modes by their names: what the SDK has of them is an enum, which would have to be loaded. */
function callingConfig(choice: ChatToolChoice, names: ToolNames): FunctionCallingConfig {
  const mode = (name: 'AUTO' | 'NONE' | 'ANY'): FunctionCallingConfig => ({ mode: name }) as FunctionCallingConfig;
  if (choice === 'auto') return mode('AUTO');
  if (choice === 'none') return mode('NONE');
  return choice === 'required' ? mode('ANY') : { ...mode('ANY'), allowedFunctionNames: [names.sent(choice.name)] };
}
