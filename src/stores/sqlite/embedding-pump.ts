// SPDX-License-Identifier: Apache-2.0
// Embeds what the workspaces' vectors lack: one batch at a time, in turn between workspaces, off the path of the rows.

import { type Failure, failure } from '../../errors.ts';
import type { EmbedRequest } from '../embedder.ts';
import type { VectorProgress } from '../vector-rows.ts';
import { SuspectedBatch, type Verdict } from './suspected-batch.ts';
import type { MissingVectors, VectorsWriter } from './vectors-writer.ts';

/** What came of a request to embed. */
export type Embedded =
  | { readonly ok: true; readonly vectors: Float32Array }
  | { readonly ok: false; readonly error: Failure };

/** How an embedding is asked for; `answered` is called once, later. */
export type Embed = (request: EmbedRequest, answered: (answer: Embedded) => void) => void;

export interface EmbeddingPumpOptions {
  readonly embed: Embed;
  /** Does something with a workspace's open file; undefined when it cannot be opened now. */
  readonly use: <T>(workspace: string, work: (writer: VectorsWriter) => T) => T | undefined;
  readonly after: (ms: number, run: () => void) => () => void;
  readonly failed: (failure: Failure) => void;
  /** Another model's index has got on, or has taken over (null). */
  readonly filling: (workspace: string, filling: VectorProgress | null) => void;
}

/** Pause after a failure in milliseconds: it doubles. */
const PAUSE = { first: 1_000, longest: 60_000 } as const;
/** No text can be easier. Where this one fails too, it is not for its text that another did. */
const PROBE = 'a';
/** Failures that say nothing about what was to be embedded. */
const NOT_THE_TEXTS: ReadonlySet<Failure['code']> = new Set<Failure['code']>(['overloaded', 'draining']);

/**
 * A batch that fails is tried again, then in halves, down to the one text that fails: that one is given up, so that it does
 * not hold up all others for ever. While nothing can be embedded at all, nothing is given up.
 */
export class EmbeddingPump {
  readonly #options: EmbeddingPumpOptions;
  /** Workspaces that lack something, the next one first. */
  readonly #wanting = new Set<string>();
  /** By workspace; none of one that lacks nothing. */
  readonly #suspected = new Map<string, SuspectedBatch>();
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
    this.#suspected.clear();
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
      const most = this.#suspected.get(workspace)?.texts;
      const missing = this.#options.use(workspace, (writer) => writer.missing(most === undefined ? {} : { most }));
      if (missing === undefined) {
        this.#suspected.delete(workspace);
        continue;
      }
      // In turn: it is wanted again, behind all others.
      this.#wanting.add(workspace);
      this.#try(workspace, missing);
      return;
    }
  }

  #try(workspace: string, missing: MissingVectors): void {
    const texts = missing.items.map(({ text }) => text);
    this.#embed(missing.model.name, texts, (answer) => {
      const error = answer.ok ? unfit(missing, answer.vectors) : answer.error;
      if (answer.ok && error === undefined) this.#done(workspace, missing, answer.vectors);
      else if (error !== undefined) this.#failed(workspace, missing, error);
    });
  }

  #embed(model: string, texts: readonly string[], answered: (answer: Embedded) => void): void {
    this.#asking = true;
    this.#options.embed({ model, texts }, (answer) => {
      this.#asking = false;
      if (!this.#closed) answered(answer);
    });
  }

  /** @param vectors null: the one text it is of is given up */
  #done(workspace: string, missing: MissingVectors, vectors: Float32Array | null): void {
    this.#failures = 0;
    const suspected = this.#suspected.get(workspace);
    if (suspected?.covers(missing) && suspected.done(missing)) this.#suspected.delete(workspace);
    this.#options.use(workspace, (writer) => {
      const took_over = vectors === null ? writer.giveUp(missing) : writer.fill(missing, vectors);
      const filling = writer.filling();
      if (took_over || filling !== null) this.#options.filling(workspace, filling);
    });
    this.#soon();
  }

  #failed(workspace: string, missing: MissingVectors, error: Failure): void {
    // A busy pool is nothing to tell of; it has time.
    if (error.code !== 'overloaded') this.#options.failed(error);
    if (NOT_THE_TEXTS.has(error.code)) return this.#pause();
    switch (this.#suspect(workspace, missing)) {
      case 'again':
        return this.#pause();
      case 'fewer':
        this.#failures = 0;
        return this.#pause();
      case 'one':
        this.#embed(missing.model.name, [PROBE], (answer) => {
          if (!answer.ok) return this.#pause();
          this.#options.failed(givenUp(workspace, missing, error));
          this.#done(workspace, missing, null);
        });
    }
  }

  #suspect(workspace: string, missing: MissingVectors): Verdict {
    const known = this.#suspected.get(workspace);
    const suspected = known?.covers(missing) ? known : new SuspectedBatch(missing);
    this.#suspected.set(workspace, suspected);
    return suspected.failed(missing);
  }

  #pause(): void {
    const ms = Math.min(PAUSE.longest, PAUSE.first * 2 ** this.#failures);
    this.#failures += 1;
    this.#asking = true;
    this.#cancel = this.#options.after(ms, () => this.#next());
  }
}

/** What keeps vectors from being stored; undefined when nothing does. */
function unfit({ model, items }: MissingVectors, vectors: Float32Array): Failure | undefined {
  const { name, dimensions } = model;
  const expected = items.length * dimensions;
  if (vectors.length !== expected)
    return failure('internal', `${name} gave ${vectors.length} numbers for ${items.length} texts, not ${expected}`);
  const wrong = vectors.findIndex((value) => !Number.isFinite(value));
  return wrong < 0 ? undefined : failure('internal', `${name} gave ${vectors[wrong]} as a part of a vector`);
}

/** The text itself is nobody's business but its workspace's. */
function givenUp(workspace: string, { model, items: [item] }: MissingVectors, error: Failure): Failure {
  const says =
    `workspace ${workspace}: ${item?.id} cannot be embedded with ${model.name} and is not found by meaning, only by its words ` +
    `(${error.message}); another model tries it again`;
  return failure(error.code, says, { workspace, item: item?.id ?? '', model: model.name, reason: 'not_embeddable' });
}
