// SPDX-License-Identifier: Apache-2.0
// Texts to vectors, as the stores ask for them, and how much may be asked at once.

import type { VectorModel } from './vector-store.ts';

/** What is embedded in one go. */
export interface EmbedRequest {
  /** `provider/name`. */
  readonly model: string;
  readonly texts: readonly string[];
}

/** Texts in one request, and UTF-16 units of all of them together; one text alone may be this long too. */
export const EMBED_MOST = { texts: 64, length: 65_536 } as const;

/** UTF-16 units of a text that are embedded; what comes after says little more about the whole. */
export const EMBEDDED_LENGTH = 16_384;

/** What `store/embedder` answers to. */
export type EmbedderProtocol = {
  /** One vector after the other, in the order of the texts: `texts.length * dimensions` numbers. */
  readonly 'pool.embed': {
    readonly body: EmbedRequest;
    readonly reply: { readonly vectors: Float32Array };
  };
  /** What a model gives, so that an index can be made for it. `validation_failed` for one that is not there. */
  readonly 'pool.model': { readonly body: { readonly model: string }; readonly reply: VectorModel };
};
