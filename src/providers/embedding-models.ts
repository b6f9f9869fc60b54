// SPDX-License-Identifier: Apache-2.0
// Embedding models as they are known without asking: how long their vectors are, and which of them can be asked for shorter ones.

/** What is known of an embedding model. */
export interface EmbeddingTraits {
  /** Numbers in a vector, unless it is asked for fewer. */
  readonly dimensions: number;
  /** The fewest it can be asked for; undefined: it gives what it gives. */
  readonly fewest?: number;
}

/**
 * OpenAI: https://developers.openai.com/api/docs/models/text-embedding-3-large and the guide to embeddings beside it. Google:
 * https://ai.google.dev/gemini-api/docs/models/gemini-embedding-001 (128 to 3,072). Ollama: what others
 * tell of the models in its library.
 */
const OPENAI = [
  ['text-embedding-3-small', { dimensions: 1536, fewest: 1 }],
  ['text-embedding-3-large', { dimensions: 3072, fewest: 1 }],
  ['text-embedding-ada-002', { dimensions: 1536 }],
] as const;
const GOOGLE = [['gemini-embedding-001', { dimensions: 3072, fewest: 128 }]] as const;
const OLLAMA = [
  ['all-minilm', { dimensions: 384 }],
  ['nomic-embed-text', { dimensions: 768 }],
  ['embeddinggemma', { dimensions: 768 }],
  ['mxbai-embed-large', { dimensions: 1024 }],
  ['bge-m3', { dimensions: 1024 }],
] as const;

type Table = readonly (readonly [string, EmbeddingTraits])[];

const under = (vendor: string, table: Table): Table => table.map(([model, traits]) => [`${vendor}/${model}`, traits]);

const BY_TYPE: ReadonlyMap<string, ReadonlyMap<string, EmbeddingTraits>> = new Map([
  ['openai', new Map<string, EmbeddingTraits>(OPENAI)],
  ['google', new Map<string, EmbeddingTraits>(GOOGLE)],
  ['openrouter', new Map<string, EmbeddingTraits>([...under('openai', OPENAI), ...under('google', GOOGLE)])],
  ['ollama', new Map<string, EmbeddingTraits>(OLLAMA)],
]);

/** What is known of a model of a provider of this type; undefined when nothing is. A tag, as in `bge-m3:latest`, is passed over. */
export function embeddingTraits(type: string, model: string): EmbeddingTraits | undefined {
  const known = BY_TYPE.get(type);
  return known?.get(model) ?? (type === 'ollama' ? known?.get(model.replace(/:[^/]*$/, '')) : undefined);
}
