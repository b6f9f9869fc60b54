// SPDX-License-Identifier: Apache-2.0
// Embeds what the workspaces' vectors lack: one batch at a time, in turn between workspaces, off the path of the rows.

import type { Failure } from '../../errors.ts';
import type { EmbedRequest } from '../embedder.ts';
import type { VectorProgress } from '../vector-rows.ts';
import type { MissingVectors, VectorsWriter } from './vectors-writer.ts';

/** How an embedding is asked for; `answered` is called once, later. */
export type Embed = (
  request: EmbedRequest,
  answered: (
    answer: { readonly ok: true; readonly vectors: Float32Array } | { readonly ok: false; readonly error: Failure },
  ) => void,
) => void;

export interface EmbeddingPumpOptions {
  readonly embed: Embed;
  /** Does something with a workspace's open file; undefined when it cannot be opened now. */
  readonly use: <T>(workspace: string, work: (writer: VectorsWriter) => T) => T | undefined;
  readonly after: (ms: number, run: () => void) => () => void;
  readonly failed: (failure: Failure) => void;
  /** Another model's index has got on, or has taken over (null). */
  readonly filling: (workspace: string, filling: VectorProgress | null) => void;
}

/** Pause after a failure in milliseconds: it doubles. What is missing stays missing, so nothing is given up. */
const PAUSE = { first: 1_000, longest: 60_000 } as const;

export class EmbeddingPump {
  readonly #options: EmbeddingPumpOptions;
  /** Workspaces that lack something, the next one first. */
  readonly #wanting = new Set<string>();
  #asking = false;
  #closed = false;
  #failures = 0;
  #cancel: () => void = () => undefined;

  constructor(options: EmbeddingPumpOptions) {
    this.#options = options;
  }

  /** Something is to be embedded in this workspace. */
  wanted(workspace: string): void {
    this.#wanting.add(workspace);
    this.#soon();
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
    this.#wanting.clear();
  }

  /** After the batch that wants it is committed, with whatever came with it. */
  #soon(): void {
    if (this.#asking || this.#closed) return;
    this.#asking = true;
    this.#cancel = this.#options.after(0, () => this.#next());
  }

  #next(): void {
    this.#asking = false;
    if (this.#closed) return;
    for (const workspace of this.#wanting) {
      this.#wanting.delete(workspace);
      const missing = this.#options.use(workspace, (writer) => writer.missing());
      if (missing === undefined) continue;
      // In turn: it is wanted again, behind all others.
      this.#wanting.add(workspace);
      this.#ask(workspace, missing);
      return;
    }
  }

  #ask(workspace: string, missing: MissingVectors): void {
    this.#asking = true;
    const texts = missing.items.map(({ text }) => text);
    this.#options.embed({ model: missing.model.name, texts }, (answer) => {
      this.#asking = false;
      if (this.#closed) return;
      if (!answer.ok) return this.#failed(answer.error);
      this.#failures = 0;
      this.#options.use(workspace, (writer) => {
        const took_over = writer.fill(missing, answer.vectors);
        const filling = writer.filling();
        if (took_over || filling !== null) this.#options.filling(workspace, filling);
      });
      this.#soon();
    });
  }

  #failed(error: Failure): void {
    const ms = Math.min(PAUSE.longest, PAUSE.first * 2 ** this.#failures);
    this.#failures += 1;
    // A busy pool is nothing to tell of; it has time.
    if (error.code !== 'overloaded') this.#options.failed(error);
    this.#asking = true;
    this.#cancel = this.#options.after(ms, () => this.#next());
  }
}
