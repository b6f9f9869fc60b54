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
] as const satisfies readonly (readonly [model: string, input: number, output: number])[];

const PRICES: ReadonlyMap<string, Price> = new Map(TABLE.map(([model, input, output]) => [model, { input, output }]));

/**
 * The price of `provider/model`. Undefined means not known, which is not the same as free: whoever asks decides whether
 * such a model may be used.
 */
export function priceOf(model: string, overrides: Readonly<Record<string, Price>> = {}): Price | undefined {
  return Object.hasOwn(overrides, model) ? overrides[model] : PRICES.get(model);
}
