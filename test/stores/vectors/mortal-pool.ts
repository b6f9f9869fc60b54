// SPDX-License-Identifier: Apache-2.0
// A pool's jobs where some texts end their worker: as a model with a fault does it, or one that runs out of memory.

import { hash384 } from '../../../src/embeddings/hash-384.ts';
import type { EmbedRequest } from '../../../src/stores/embedder.ts';

/** Ends the worker for good. */
export const DEADLY = 'the text that kills';
/** Comes back as what is no number. */
export const SENSELESS = 'the text without sense';

/** `broken`: a pool where nothing can be embedded at all. */
export function embed({ model, texts }: EmbedRequest): Float32Array {
  if (model === 'test/broken') process.exit(3);
  if (texts.some((text) => text.includes(DEADLY))) process.exit(3);
  const vectors = hash384.embed(texts);
  const senseless = texts.findIndex((text) => text.includes(SENSELESS));
  if (senseless >= 0) vectors[senseless * hash384.dimensions] = Number.NaN;
  return vectors;
}
