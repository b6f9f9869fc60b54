// SPDX-License-Identifier: Apache-2.0
// What models cost: a table in the code, with the configuration's own prices over it.

/** USD per million tokens. */
export interface Price {
  readonly input: number;
  readonly output: number;
}

const PRICES: ReadonlyMap<string, Price> = new Map([['sigil/offline', { input: 0, output: 0 }]]);

/**
 * The price of `provider/model`. Undefined means not known, which is not the same as free: whoever asks decides whether
 * such a model may be used.
 */
export function priceOf(model: string, overrides: Readonly<Record<string, Price>> = {}): Price | undefined {
  return Object.hasOwn(overrides, model) ? overrides[model] : PRICES.get(model);
}
