// SPDX-License-Identifier: Apache-2.0
// What an embedding model is here: texts in, one vector each out, computed and nothing else.

/** A model that is computed inside Sigil. It reads no file, opens no socket and gives the same vector for the same text for ever. */
export interface EmbeddingModel {
  /** `provider/name`, as the configuration names it. */
  readonly id: string;
  /** Numbers in a vector. */
  readonly dimensions: number;
  /**
   * One vector after the other in one array of `texts.length * dimensions`. Each is of length 1, or all zero when its
   * text says nothing (it is empty, or all blanks and punctuation).
   */
  embed(texts: readonly string[]): Float32Array<ArrayBuffer>;
}
