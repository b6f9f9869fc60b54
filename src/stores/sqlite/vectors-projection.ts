// SPDX-License-Identifier: Apache-2.0
// The projection of vectors: items follow the journal by a cursor of their own, and what they lack is embedded afterwards.

import type { EmbeddingState } from '../protocol.ts';
import type { VectorProgress } from '../vector-rows.ts';
import type { VectorModel } from '../vector-store.ts';
import { changesVectors } from '../vector-view.ts';
import { type Embed, EmbeddingPump } from './embedding-pump.ts';
import { type MemoryRow, readMemory } from './memory-files.ts';
import { Projection, type ProjectionOptions } from './projection.ts';
import { VectorsView } from './vectors-view.ts';

/** How texts are embedded. */
export interface VectorsOptions {
  /** The model the indexes shall be of. */
  readonly model: VectorModel;
  readonly embed: Embed;
  /** Another model's index has got on in a workspace, or has taken over (null). */
  readonly filling: (workspace: string, filling: VectorProgress | null) => void;
}

type Common = Pick<
  ProjectionOptions<MemoryRow>,
  'dataDir' | 'source' | 'bounds' | 'cursor' | 'pool' | 'failed' | 'acceptLoss' | 'point'
>;

export interface VectorsProjectionOptions extends VectorsOptions, Common {
  readonly after: (ms: number, run: () => void) => () => void;
  readonly monotonic: () => number;
  /** A file cannot be written: it is to be mended. */
  readonly broken: () => void;
}

export const VECTORS_FILE = 'vectors.db';

/**
 * By a cursor of its own, so that vectors that are turned on later, or were off for a while, are made from the beginning of
 * what they miss.
 */
export class VectorsProjection extends Projection<MemoryRow> {
  readonly #pump: EmbeddingPump;
  readonly #broken: () => void;

  constructor({ model, embed, filling, after, monotonic, broken, ...common }: VectorsProjectionOptions) {
    super({
      ...common,
      files: [
        {
          name: VECTORS_FILE,
          open: (file, workspace) => new VectorsView(file, model, () => this.#pump.wanted(workspace)),
          wants: changesVectors,
        },
      ],
      read: readMemory,
    });
    this.#broken = broken;
    this.#pump = new EmbeddingPump({
      embed,
      filling,
      after,
      monotonic,
      failed: common.failed,
      use: (workspace, work) => {
        const done = this.with(VECTORS_FILE, workspace, (view) =>
          view instanceof VectorsView ? work(view.writer) : undefined,
        );
        if (this.broken) broken();
        return done;
      },
    });
  }

  override step(): number {
    const rows = super.step();
    if (this.broken) this.#broken();
    return rows;
  }

  /** What is embedded with each model, and what waits for it and why. */
  embedding(): readonly EmbeddingState[] {
    return this.#pump.state();
  }

  override close(): void {
    this.#pump.close();
    super.close();
  }
}
