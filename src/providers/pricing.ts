// SPDX-License-Identifier: Apache-2.0
// What models cost: a table in the code, with the configuration's own prices over it.

/** USD per million tokens. */
export interface Price {
  readonly input: number;
  readonly output: number;
}

/** As the vendors' pages had them in November 2026, for prompts of the usual length. */
const TABLE = [
  ['sigil/offline', 0, 0],
  ['anthropic/claude-fable-5-1', 10, 50],
  ['anthropic/claude-opus-5-5', 4, 20],
  ['anthropic/claude-sonnet-5-5', 2, 10],
  ['anthropic/claude-opus-5', 5, 25],
  ['anthropic/claude-sonnet-5', 2, 10],
  ['anthropic/claude-opus-4-8', 5, 25],
  ['anthropic/claude-opus-4-7', 5, 25],
  ['anthropic/claude-opus-4-6', 5, 25],
  ['anthropic/claude-sonnet-4-6', 3, 15],
  ['anthropic/claude-opus-4-5', 5, 25],
  ['anthropic/claude-sonnet-4-5', 3, 15],
  ['anthropic/claude-haiku-4-5', 1, 5],
  ['google/gemini-3.8-flash', 0.75, 3.75],
  ['google/gemini-3.6-flash', 1.5, 7.5],
  ['google/gemini-3.5-flash', 1.5, 9],
  ['google/gemini-3.5-flash-lite', 0.3, 2.5],
  ['google/gemini-2.5-pro', 1.25, 10],
  ['google/gemini-2.5-flash', 0.3, 2.5],
  ['google/gemini-2.5-flash-lite', 0.1, 0.4],
  // Seen at https://developers.openai.com/api/docs/models/MODEL: GPT-4 Turbo, and what GPT-5 takes for its input. All else as others
  // tell OpenAI's price list of 2026: https://deploybase.ai/articles/openai-pricing, for the older snapshot
  // https://hex.pm/packages/openai_responses.
  ['openai/gpt-5', 1.25, 10],
  ['openai/gpt-5-mini', 0.25, 2],
  ['openai/gpt-5-nano', 0.05, 0.4],
  ['openai/gpt-4.1', 2, 8],
  ['openai/gpt-4.1-mini', 0.4, 1.6],
  ['openai/gpt-4.1-nano', 0.1, 0.4],
  ['openai/gpt-4o', 2.5, 10],
  ['openai/gpt-4o-2024-05-13', 5, 15],
  ['openai/gpt-4o-mini', 0.15, 0.6],
  ['openai/gpt-4-turbo', 10, 30],
  ['openai/o3', 2, 8],
  ['openai/o4-mini', 1.1, 4.4],
  // Embeddings have no output: OpenAI's model pages, https://openrouter.ai/openai/text-embedding-ada-002, and
  // https://developers.googleblog.com/en/gemini-embedding-available-gemini-api/.
  ['openai/text-embedding-3-small', 0.02, 0],
  ['openai/text-embedding-3-large', 0.13, 0],
  ['openai/text-embedding-ada-002', 0.1, 0],
  ['google/gemini-embedding-001', 0.15, 0],
] as const satisfies readonly (readonly [model: string, input: number, output: number])[];

const PRICES: ReadonlyMap<string, Price> = new Map(TABLE.map(([model, input, output]) => [model, { input, output }]));

/** A snapshot's date at the end of a model's name: `-20251101` or `-2025-04-14`. */
const DATED = /-\d{4}-?\d{2}-?\d{2}$/;

/**
 * The price of `type/model`, by the type of its provider; a snapshot costs what its model does. Undefined means not known, which
 * is not the same as free: whoever asks decides whether such a model may be used.
 */
export function priceOf(model: string, overrides: Readonly<Record<string, Price>> = {}): Price | undefined {
  if (Object.hasOwn(overrides, model)) return overrides[model];
  return PRICES.get(model) ?? PRICES.get(model.replace(DATED, ''));
}
