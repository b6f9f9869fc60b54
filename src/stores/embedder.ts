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

/** What an embedding is for: to be found by it later, or to find by it now. */
export type EmbedPurpose = 'store' | 'search';

/** What is embedded in one go with a vendor's model. */
export interface VendorEmbedRequest extends EmbedRequest {
  /** Numbers a vector must have. */
  readonly dimensions: number;
  /** Whose budget pays for it. */
  readonly workspace_id: string;
  readonly purpose: EmbedPurpose;
  /** How long it may take, in milliseconds. */
  readonly within: number;
}

/** What `store/embedder` answers to, and `store/vendors` for the models of vendors. */
export type EmbedderProtocol = {
  /** As `pool.embed`; fails with the codes of a provider's calls, and `budget_exceeded`. */
  readonly 'vendors.embed': {
    readonly body: VendorEmbedRequest;
    readonly reply: { readonly vectors: Float32Array };
  };
  /** What models cost in USD per million tokens, of the vendors that tell it. `whole`: all of them have. */
  readonly 'vendors.prices': {
    readonly body: Record<string, never>;
    readonly reply: {
      readonly prices: readonly { readonly model: string; readonly input: number; readonly output: number }[];
      readonly whole: boolean;
    };
  };
  /** One vector after the other, in the order of the texts: `texts.length * dimensions` numbers. */
  readonly 'pool.embed': {
    readonly body: EmbedRequest;
    readonly reply: { readonly vectors: Float32Array };
  };
  /** What a model gives, so that an index can be made for it. `validation_failed` for one that is not there. */
  readonly 'pool.model': { readonly body: { readonly model: string }; readonly reply: VectorModel };
};
