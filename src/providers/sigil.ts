// SPDX-License-Identifier: Apache-2.0
// The built-in provider `sigil`: its model `offline` runs in the process, by rules, without a key or a network.

import { failure, toFailure } from '../errors.ts';
import type { ChatEvent, ChatRequest, Provider } from './provider.ts';
import { OFFLINE_MODEL } from './sigil/model.ts';
import { type Chunk, replyTo } from './sigil/reply.ts';
import { inputTokens, outputTokens, tokensOf } from './sigil/tokens.ts';

/** Between two numbers when it counts: slow enough to watch and to stop. */
const PACE_MS = 100;

export interface SigilProviderOptions {
  /** Resolves after `ms`, or sooner when the signal aborts. Only counting is paced. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

function stoppedAt(chunks: readonly Chunk[], stops: readonly string[]): number {
  const text = chunks.map((chunk) => chunk.text).join('');
  const starts = stops.filter((stop) => stop !== '').map((stop) => text.indexOf(stop));
  return Math.min(text.length, ...starts.filter((at) => at >= 0));
}

/** The chunks cut where a stop sequence begins, or where the output limit is reached. */
function limit(
  chunks: readonly Chunk[],
  maxTokens: number,
  stops: readonly string[],
): { readonly chunks: readonly Chunk[]; readonly finish: 'stop' | 'length' } {
  let room = stops.length > 0 ? stoppedAt(chunks, stops) : Number.POSITIVE_INFINITY;
  const kept: Chunk[] = [];
  let written = 0;
  for (const chunk of chunks) {
    // A word is said whole or not at all, except where a stop sequence begins inside it.
    if (tokensOf(written + Math.min(chunk.text.length, room)) > maxTokens) return { chunks: kept, finish: 'length' };
    if (room <= 0) break;
    kept.push(chunk.text.length <= room ? chunk : { ...chunk, text: chunk.text.slice(0, room) });
    written += chunk.text.length;
    room -= chunk.text.length;
  }
  return { chunks: kept, finish: 'stop' };
}

/** Everything that is not paced comes at once; what is paced comes one by one. One generator: each costs promises. */
async function* chat(
  request: ChatRequest,
  signal: AbortSignal,
  options: SigilProviderOptions,
): AsyncGenerator<readonly ChatEvent[]> {
  if (signal.aborted) return;
  if (request.model !== OFFLINE_MODEL.id) {
    const message = `The provider sigil has no model "${request.model}"; its only one is "${OFFLINE_MODEL.id}".`;
    yield [{ type: 'error', error: failure('provider_error', message) }];
    return;
  }
  try {
    const { chunks, calls } = replyTo(request);
    const { maxTokens, stopSequences } = request.options;
    const { maxOutputTokens } = OFFLINE_MODEL.capabilities;
    const said = limit(chunks, Math.min(maxTokens ?? maxOutputTokens, maxOutputTokens), stopSequences ?? []);
    let written = 0;
    let batch: ChatEvent[] = [];
    for (const { text, paced } of said.chunks) {
      if (paced) {
        if (batch.length > 0) yield batch;
        batch = [];
        await options.pause(PACE_MS, signal);
      }
      if (signal.aborted) return;
      written += text.length;
      batch.push({ type: 'text_delta', text });
    }
    for (const call of calls) batch.push({ type: 'tool_call', ...call });
    batch.push({
      type: 'usage',
      inputTokens: inputTokens(request),
      outputTokens: outputTokens(written, calls),
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
    });
    batch.push({ type: 'done', finishReason: calls.length > 0 ? 'tool_calls' : said.finish });
    yield batch;
  } catch (thrown) {
    // A pause that rejects when it is aborted is no failure; anything else is ours to report, never to throw.
    if (!signal.aborted) yield [{ type: 'error', error: toFailure(thrown) }];
  }
}

/**
 * The provider `sigil`. Deterministic: the same request gives the same events. Tokens are characters divided by four,
 * of everything in the request and everything in the reply.
 */
export function createSigilProvider(options: SigilProviderOptions): Provider {
  return {
    name: 'sigil',
    available: () => true,
    listModels: async () => [OFFLINE_MODEL],
    chat: (request, { signal }) => chat(request, signal, options),
    status: () => ({
      available: true,
      provider: 'sigil',
      message: 'Built in: answers by rules, needs no key and no network.',
    }),
    close: async () => undefined,
  };
}
