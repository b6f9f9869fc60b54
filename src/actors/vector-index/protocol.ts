// SPDX-License-Identifier: Apache-2.0
// What a workspace's vector index answers to: the nearest of a text or a vector, and how it stands.

import type { VectorProgress } from '../../stores/vector-rows.ts';
import type { VectorFilter, VectorResult } from '../../stores/vector-store.ts';

export type VectorIndexProtocol = {
  /**
   * The nearest to a text, which is embedded with the model of the index, or to a vector of that model; best first. What was
   * put in is found once it is embedded.
   */
  readonly 'vector.search': {
    readonly body: {
      readonly query: string | Float32Array;
      /** 1 to 1,000. */
      readonly k: number;
      readonly filter?: VectorFilter | undefined;
    };
    readonly reply: { readonly results: readonly VectorResult[] };
  };
  /** The writer has gone on with another model's index (how far), or it has taken over (null). */
  readonly 'vector.filling': { readonly body: { readonly filling: VectorProgress | null }; readonly reply: undefined };
  readonly 'vector.status': { readonly body: Record<string, never>; readonly reply: VectorIndexStatus };
};

/** Where searches are answered from: codes in memory, or the file, for which it is too few or too many. */
export type VectorPlace = 'memory' | 'file';

export interface VectorIndexStatus {
  readonly workspace_id: string;
  readonly state: string;
  readonly place: VectorPlace;
  readonly searches: number;
  readonly filling: VectorProgress | null;
  readonly last_error: { readonly code: string; readonly message: string } | null;
}
