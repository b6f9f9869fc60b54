// SPDX-License-Identifier: Apache-2.0
// How vendors are asked for vectors and how they answer: OpenAI and all who speak like it (Ollama, OpenRouter), and Gemini.

import { z } from 'zod';
import { json, type WireAnswer, type WireRequest } from './server.ts';

/** A request for vectors, in no vendor's words. */
export interface AskedVectors {
  readonly texts: readonly string[];
  readonly model: string;
  /** Undefined when it was not told how long they are to be. */
  readonly dimensions: number | undefined;
  /** Empty when there was none. */
  readonly key: string;
}

export interface VectorFormat {
  /** What was asked; undefined for another request than one for vectors. */
  asked(request: WireRequest): AskedVectors | undefined;
  /** @param tokens what the vendor counted, where it tells */
  answer(vectors: readonly (readonly unknown[])[], tokens?: number): WireAnswer;
  refuse(status: number, message: string, headers?: Readonly<Record<string, string>>): WireAnswer;
}

const OpenAiBody = z.object({
  model: z.string(),
  input: z.array(z.string()),
  encoding_format: z.literal('float'),
  dimensions: z.number().optional(),
});

export const openAiEmbeddings: VectorFormat = {
  asked: ({ path, body, headers }) => {
    if (!path.endsWith('/embeddings')) return undefined;
    const { model, input: texts, dimensions } = OpenAiBody.parse(body);
    return { texts, model, dimensions, key: (headers.authorization ?? '').replace('Bearer ', '') };
  },
  answer: (vectors, prompt_tokens = 0) =>
    json(200, {
      object: 'list',
      model: 'of the vendor',
      // No vendor promises an order, only an index.
      data: vectors.map((embedding, index) => ({ object: 'embedding', index, embedding })).toReversed(),
      usage: { prompt_tokens, total_tokens: prompt_tokens },
    }),
  refuse: (status, message, headers = {}) => json(status, { error: { message, type: 'x', code: null } }, headers),
};

const GeminiRequest = z.object({
  model: z.string(),
  content: z.object({ parts: z.array(z.object({ text: z.string() })) }),
  outputDimensionality: z.number().optional(),
});
const GeminiBody = z.object({ requests: z.array(GeminiRequest) });

export const geminiEmbeddings: VectorFormat = {
  asked: ({ path, body, headers }) => {
    const match = /\/models\/([^:]+):batchEmbedContents/.exec(path);
    if (match === null) return undefined;
    const { requests } = GeminiBody.parse(body);
    return {
      texts: requests.map(({ content }) => content.parts.map(({ text }) => text).join('')),
      model: match[1] ?? '',
      dimensions: requests[0]?.outputDimensionality,
      key: String(headers['x-goog-api-key'] ?? ''),
    };
  },
  answer: (vectors) => json(200, { embeddings: vectors.map((values) => ({ values })) }),
  refuse: (code, message, headers = {}) => json(code, { error: { code, message, status: 'X' } }, headers),
};
