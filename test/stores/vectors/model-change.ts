// SPDX-License-Identifier: Apache-2.0
// Two models that put the same texts in different places, for the tests of a change from one to the other.

import type { VectorModel } from '../../../src/stores/vector-store.ts';

export const OLD: VectorModel = { name: 'acme/old', dimensions: 12 };
export const NEW: VectorModel = { name: 'acme/new', dimensions: 20 };

/** One place for each text, another with each model. */
export function oldOrNew({ name, dimensions }: VectorModel, texts: readonly string[]): Float32Array {
  const vectors = new Float32Array(texts.length * dimensions);
  for (const [at, text] of texts.entries()) {
    const place = (Number(text.replace(/\D/g, '')) * (name === OLD.name ? 5 : 7)) % dimensions;
    vectors[at * dimensions + place] = 1;
    vectors[at * dimensions + ((place + 1) % dimensions)] = 0.1 + (Number(text.replace(/\D/g, '')) % 97) / 97;
  }
  return vectors;
}
