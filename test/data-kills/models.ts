// SPDX-License-Identifier: Apache-2.0
// The two models a re-embedding goes to and fro between: the one that comes with Sigil, and the same folded to a third of its numbers.

import { hash384 } from '../../src/embeddings/hash-384.ts';
import type { EmbedRequest } from '../../src/stores/embedder.ts';
import type { VectorModel } from '../../src/stores/vector-store.ts';

export const MODELS: readonly VectorModel[] = [
  { name: hash384.id, dimensions: hash384.dimensions },
  { name: 'test/folded-128', dimensions: hash384.dimensions / 3 },
];

export function modelNamed(name: string): VectorModel {
  const model = MODELS.find((one) => one.name === name);
  if (model === undefined) throw new Error(`there is no model ${name} here`);
  return model;
}

/** A job of the pool: this file is where its workers begin. */
export function embed({ model, texts }: EmbedRequest): Float32Array {
  const { dimensions } = modelNamed(model);
  const whole = hash384.embed(texts);
  if (dimensions === hash384.dimensions) return whole;
  const folded = new Float32Array(texts.length * dimensions);
  for (const [at, value] of whole.entries()) {
    const text = Math.floor(at / hash384.dimensions);
    const place = text * dimensions + (at % dimensions);
    folded[place] = (folded[place] ?? 0) + value;
  }
  return folded;
}
