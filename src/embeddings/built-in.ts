// SPDX-License-Identifier: Apache-2.0
// What computes the embedding models that come with Sigil, by id.

import type { EmbeddingModel } from './embedding-model.ts';
import { hash384 } from './hash-384.ts';

const MODELS: ReadonlyMap<string, EmbeddingModel> = new Map([[hash384.id, hash384]]);

/** The built-in model of this id; undefined when there is none. */
export function builtInModel(id: string): EmbeddingModel | undefined {
  return MODELS.get(id);
}
