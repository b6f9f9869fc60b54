// SPDX-License-Identifier: Apache-2.0
// The embedding models that come with Sigil, as a list: known without reading what computes them.

/** Dimensions of the models that need no provider, by id. */
export const BUILT_IN_MODELS: ReadonlyMap<string, number> = new Map([['sigil/hash-384', 384]]);
