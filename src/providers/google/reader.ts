// SPDX-License-Identifier: Apache-2.0
// Reads the server-sent events of one generateContent call. The stream has no last event of its own: it closes.

import type { VendorSse } from '../event-stream.ts';
import { type Asked, excerpt, providerFailure } from '../failures.ts';
import type { ChatEvent, ChatFinish, ChatToolCall } from '../provider.ts';
import type { ReplyReader } from '../stream-call.ts';
import { geminiFailure } from './failures.ts';
import type { KeptPart } from './kept-parts.ts';
import { GeminiChunk, type GeminiPart } from './wire.ts';

const FINISHES: Readonly<Record<string, ChatFinish>> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  CONTINUATION: 'length',
  SAFETY: 'content_filter',
  RECITATION: 'content_filter',
  BLOCKLIST: 'content_filter',
  PROHIBITED_CONTENT: 'content_filter',
  SPII: 'content_filter',
  IMAGE_SAFETY: 'content_filter',
  IMAGE_PROHIBITED_CONTENT: 'content_filter',
  IMAGE_RECITATION: 'content_filter',
};

/** Parts of one answer, and characters in all of them. */
const PARTS_MOST = 1_024;
const CHARACTERS_MOST = 8 * 1_048_576;

export interface GeminiReaderOptions {
  readonly asked: Asked;
  /** A tool's name as we know it, of the name it was sent under. */
  readonly ours: (name: string) => string;
  /** Takes a finished reply with calls and signatures; its first call's id first. */
  readonly keep: (callId: string, parts: readonly KeptPart[]) => void;
  /** The headers of the answer, once it is there. */
  readonly headers: () => Headers;
  readonly now: () => number;
  /** An id nobody else has, for a call that came without. */
  readonly newId: () => string;
}

export function createGeminiReader(options: GeminiReaderOptions): ReplyReader<VendorSse> {
  const { asked, ours, keep, headers, now, newId } = options;
  const calls = new Map<string, ChatToolCall>();
  const parts: KeptPart[] = [];
  let usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };
  let finish: string | undefined;
  let explained = '';
  let characters = 0;

  const grow = (size: number): void => {
    characters += size;
    if (characters > CHARACTERS_MOST) throw new Error(`an answer of more than ${CHARACTERS_MOST} characters`);
    if (parts.length >= PARTS_MOST) throw new Error(`an answer of more than ${PARTS_MOST} parts`);
  };

  const called = ({ id, name, args }: NonNullable<GeminiPart['functionCall']>, signature: string | undefined): void => {
    const own = id && !calls.has(id) ? id : newId();
    const written = JSON.stringify(args ?? {});
    grow(written.length + (signature?.length ?? 0));
    calls.set(own, { id: own, name: ours(name), arguments: written });
    parts.push({ type: 'call', id: own, signature });
  };

  const said = (text: string, signature: string | undefined): void => {
    grow(text.length + (signature?.length ?? 0));
    const last = parts.at(-1);
    if (last?.type === 'text' && last.signature === undefined && signature === undefined)
      parts[parts.length - 1] = { ...last, text: last.text + text };
    else parts.push({ type: 'text', text, signature });
  };

  const shown = (part: GeminiPart): ChatEvent[] => {
    const { text, thought, functionCall } = part;
    const signature = part.thoughtSignature ?? undefined;
    if (functionCall) called(functionCall, signature);
    if (text === null || text === undefined) return [];
    // What was thought is a summary, made to be read: it is not given back.
    if (thought === true) return text === '' ? [] : [{ type: 'thinking_delta', text }];
    if (text !== '' || signature !== undefined) said(text, signature);
    return text === '' ? [] : [{ type: 'text_delta', text }];
  };

  const counted = (counts: NonNullable<GeminiChunk['usageMetadata']>): void => {
    const cached = counts.cachedContentTokenCount ?? 0;
    const input = (counts.promptTokenCount ?? 0) + (counts.toolUsePromptTokenCount ?? 0);
    usage = {
      inputTokens: Math.max(input - cached, 0),
      outputTokens: (counts.candidatesTokenCount ?? 0) + (counts.thoughtsTokenCount ?? 0),
      cacheReadTokens: cached,
      cacheWriteTokens: 0,
    };
  };

  return {
    read: ({ data }) => {
      const chunk = GeminiChunk.parse(JSON.parse(data));
      if (chunk.error) {
        const body = { error: chunk.error };
        return [{ type: 'error', error: geminiFailure(asked, { status: undefined, headers: headers(), body }, now()) }];
      }
      // Each chunk's counts are totals, and each may name a finish: the last ones hold.
      if (chunk.usageMetadata) counted(chunk.usageMetadata);
      if (chunk.promptFeedback?.blockReason) finish = 'SAFETY';
      const candidate = chunk.candidates?.[0];
      finish = candidate?.finishReason ?? finish;
      explained = candidate?.finishMessage ?? explained;
      return (candidate?.content?.parts ?? []).flatMap(shown);
    },
    close: () => {
      if (finish === undefined) return [];
      const reason = Object.hasOwn(FINISHES, finish) ? FINISHES[finish] : undefined;
      if (reason === undefined) {
        const why = explained === '' ? '' : ` (${excerpt(explained)})`;
        const message = `${asked.provider} gave up its answer: ${excerpt(finish)}${why}.`;
        const error = providerFailure('provider_error', asked, message, { vendor_code: finish });
        return [{ type: 'error', error }];
      }
      const made = reason === 'content_filter' ? [] : [...calls.values()];
      const [first] = made;
      if (first !== undefined && parts.some(({ signature }) => signature !== undefined)) keep(first.id, parts);
      return [
        ...made.map((call): ChatEvent => ({ type: 'tool_call', ...call })),
        { type: 'usage', ...usage },
        { type: 'done', finishReason: first === undefined ? reason : 'tool_calls' },
      ];
    },
  };
}
