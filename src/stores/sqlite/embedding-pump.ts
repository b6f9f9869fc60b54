// SPDX-License-Identifier: Apache-2.0
// Embeds what the workspaces' vectors lack: one batch of a model at a time, in turn between workspaces, off the path of the rows.

import { type Failure, failure } from '../../errors.ts';
import type { EmbedPurpose } from '../embedder.ts';
import type { EmbeddingState } from '../protocol.ts';
import type { VectorProgress } from '../vector-rows.ts';
import type { VectorModel } from '../vector-store.ts';
import { type EmbeddingFault, faultOf, mayPass } from './embedding-failure.ts';
import { EmbeddingQueue } from './embedding-queue.ts';
import { SuspectedBatch, type Verdict } from './suspected-batch.ts';
import type { MissingVectors, VectorsWriter } from './vectors-writer.ts';

/** What came of a request to embed. */
export type Embedded =
  | { readonly ok: true; readonly vectors: Float32Array }
  | { readonly ok: false; readonly error: Failure };

/** What is to be embedded, and for whom. */
export interface EmbedAsk {
  readonly model: VectorModel;
  readonly texts: readonly string[];
  readonly workspace_id: string;
  readonly purpose: EmbedPurpose;
}

/** How an embedding is asked for; `answered` is called once, later. */
export type Embed = (ask: EmbedAsk, answered: (answer: Embedded) => void) => void;

export interface EmbeddingPumpOptions {
  readonly embed: Embed;
  /** Does something with a workspace's open file; undefined when it cannot be opened now. */
  readonly use: <T>(workspace: string, work: (writer: VectorsWriter) => T) => T | undefined;
  readonly after: (ms: number, run: () => void) => () => void;
  /** A clock in milliseconds that never goes back. */
  readonly monotonic: () => number;
  readonly failed: (failure: Failure) => void;
  /** Another model's index has got on, or has taken over (null). */
  readonly filling: (workspace: string, filling: VectorProgress | null) => void;
}

/** No text can be easier. Where this one fails too, it is not for its text that another did. */
const PROBE = 'a';
/** Workspaces looked into before the loop turns. */
const LOOKED_AT_ONCE = 16;
/** How often a text must have failed while another went through before a failure that may pass is held against it. */
const DOUBTS_MOST = 3;
/** How long a workspace whose budget is used up is left alone, in milliseconds, unless it is told when that resets. */
const REST = 60_000;

const keyOf = ({ name, dimensions }: VectorModel): string => `${name} ${dimensions}`;

/**
 * A batch that fails over what is in it is tried again, then in halves, down to the one text that fails: that one is given up,
 * so that it does not hold up all others for ever. While a model can embed nothing at all, nothing is given up: what waits for
 * it waits, and one text after each pause finds out whether it goes on.
 */
export class EmbeddingPump {
  readonly #options: EmbeddingPumpOptions;
  /** Workspaces that may lack something, of which nobody knows yet what. */
  readonly #wanting = new Set<string>();
  readonly #queues = new Map<string, EmbeddingQueue>();
  /** By workspace and model; none of one that lacks nothing. */
  readonly #suspected = new Map<string, SuspectedBatch>();
  /** How often a text failed though the easiest one did not, by the batch it is of. */
  readonly #doubts = new WeakMap<SuspectedBatch, number>();
  /** Workspaces that may not embed now, and what ends that. */
  readonly #resting = new Map<string, () => void>();
  readonly #pauses = new Set<() => void>();
  #scheduled = false;
  #closed = false;

  constructor(options: EmbeddingPumpOptions) {
    this.#options = options;
  }

  /** Something is to be embedded in this workspace. */
  wanted(workspace: string): void {
    if (this.#closed || this.#resting.has(workspace)) return;
    this.#wanting.add(workspace);
    this.#soon();
  }

  /** Each model that something was embedded with, or is to be. */
  state(): readonly EmbeddingState[] {
    const now = this.#options.monotonic();
    return [...this.#queues.values()].map((queue) => queue.state(now));
  }

  close(): void {
    this.#closed = true;
    for (const cancel of [...this.#pauses, ...this.#resting.values()]) cancel();
    this.#pauses.clear();
    this.#resting.clear();
    this.#wanting.clear();
    this.#queues.clear();
    this.#suspected.clear();
  }

  /** After the batch that wants it is committed, with whatever came with it. */
  #soon(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#after(0, () => {
      this.#scheduled = false;
      this.#next();
    });
  }

  #after(ms: number, run: () => void): void {
    const cancel = this.#options.after(ms, () => {
      this.#pauses.delete(cancel);
      if (!this.#closed) run();
    });
    this.#pauses.add(cancel);
  }

  #next(): void {
    let looked = 0;
    for (const workspace of this.#wanting) {
      if (looked === LOOKED_AT_ONCE) {
        this.#soon();
        break;
      }
      looked += 1;
      this.#wanting.delete(workspace);
      const lacking = this.#options.use(workspace, (writer) => writer.lacking()) ?? [];
      for (const model of lacking) this.#queueOf(model).add(workspace);
    }
    for (const queue of this.#queues.values()) if (!queue.busy) this.#serve(queue);
  }

  #queueOf(model: VectorModel): EmbeddingQueue {
    const known = this.#queues.get(keyOf(model));
    if (known !== undefined) return known;
    const queue = new EmbeddingQueue(model);
    this.#queues.set(keyOf(model), queue);
    return queue;
  }

  #serve(queue: EmbeddingQueue): void {
    const key = keyOf(queue.model);
    const can = (model: VectorModel): boolean => keyOf(model) === key;
    for (let workspace = queue.next(); workspace !== undefined; workspace = queue.next()) {
      if (this.#resting.has(workspace)) continue;
      const place = `${key} ${workspace}`;
      const most = Math.min(queue.most, this.#suspected.get(place)?.texts ?? queue.most);
      const missing = this.#options.use(workspace, (writer) => writer.missing({ can, most }));
      if (missing !== undefined) return this.#try(new Batch(queue, workspace, place, missing));
      this.#suspected.delete(place);
    }
    // Nothing waits for it, so whatever was wrong with it is of no interest any more: another model may have taken its place.
    queue.worked(false);
  }

  #try(batch: Batch): void {
    const { missing } = batch;
    const texts = missing.items.map(({ text }) => text);
    this.#embed(batch, texts, (answer) => {
      const error = answer.ok ? unfit(missing, answer.vectors) : answer.error;
      if (answer.ok && error === undefined) this.#done(batch, answer.vectors);
      else if (error !== undefined) this.#failed(batch, error);
    });
  }

  #embed({ queue, workspace }: Batch, texts: readonly string[], answered: (answer: Embedded) => void): void {
    queue.busy = true;
    this.#options.embed({ model: queue.model, texts, workspace_id: workspace, purpose: 'store' }, (answer) => {
      if (this.#closed) return;
      queue.busy = false;
      answered(answer);
    });
  }

  /** @param vectors null: the one text it is of is given up */
  #done({ queue, workspace, place, missing }: Batch, vectors: Float32Array | null): void {
    queue.worked(missing.items.length >= queue.most);
    const suspected = this.#suspected.get(place);
    if (suspected?.covers(missing) && suspected.done(missing)) this.#suspected.delete(place);
    if (suspected !== undefined) this.#doubts.delete(suspected);
    this.#options.use(workspace, (writer) => {
      const took_over = vectors === null ? writer.giveUp(missing) : writer.fill(missing, vectors);
      const filling = writer.filling();
      if (took_over || filling !== null) this.#options.filling(workspace, filling);
    });
    // In turn: it comes again, behind all others.
    queue.add(workspace);
    this.#soon();
  }

  #failed(batch: Batch, error: Failure): void {
    const { queue, workspace, missing } = batch;
    const fault = faultOf(error);
    const news = fault === 'workspace' || queue.failed(error, this.#options.monotonic());
    // A busy pool is nothing to tell of; it has time. Nor is the same trouble again.
    if (error.code !== 'overloaded' && (news || fault === 'texts')) this.#options.failed(error);
    if (fault === 'workspace') return this.#rest(workspace, error);
    queue.add(workspace);
    if (fault === 'model') {
      queue.doubt();
      return this.#pause(queue, error);
    }
    if (fault === 'slow') queue.slow(missing.items.length);
    switch (this.#suspect(batch, fault)) {
      case 'again':
        return this.#pause(queue, error);
      case 'fewer':
        queue.easier();
        return this.#pause(queue, error);
      case 'one':
        this.#embed(batch, [PROBE], (answer) => {
          if (!answer.ok) return this.#pause(queue, answer.error);
          if (this.#doubtful(batch, error)) return this.#pause(queue, error);
          this.#options.failed(givenUp(batch, error));
          this.#done(batch, null);
        });
    }
  }

  #suspect({ place, missing }: Batch, fault: EmbeddingFault): Verdict {
    const known = this.#suspected.get(place);
    const suspected = known?.covers(missing) ? known : new SuspectedBatch(missing);
    this.#suspected.set(place, suspected);
    return suspected.failed(missing, fault === 'large' || fault === 'slow');
  }

  /** Whether what went wrong with this one text may still have been something else. */
  #doubtful({ place }: Batch, error: Failure): boolean {
    const suspected = this.#suspected.get(place);
    if (suspected === undefined || !mayPass(error)) return false;
    const doubts = (this.#doubts.get(suspected) ?? 0) + 1;
    this.#doubts.set(suspected, doubts);
    return doubts < DOUBTS_MOST;
  }

  #pause(queue: EmbeddingQueue, error: Failure): void {
    const ms = queue.pause(error);
    queue.busy = true;
    queue.rests(this.#options.monotonic() + ms);
    this.#after(ms, () => {
      queue.busy = false;
      queue.rests(null);
      this.#next();
    });
  }

  /** A workspace that may not spend more waits by itself; the others go on. */
  #rest(workspace: string, { details }: Failure): void {
    const asked = details?.['retry_after_ms'];
    this.#resting.get(workspace)?.();
    const cancel = this.#options.after(typeof asked === 'number' ? Math.max(1, asked) : REST, () => {
      this.#resting.delete(workspace);
      this.wanted(workspace);
    });
    this.#resting.set(workspace, cancel);
    this.#soon();
  }
}

/** Items of one workspace that are asked for together. */
class Batch {
  readonly queue: EmbeddingQueue;
  readonly workspace: string;
  /** Of the workspace and the model. */
  readonly place: string;
  readonly missing: MissingVectors;

  constructor(queue: EmbeddingQueue, workspace: string, place: string, missing: MissingVectors) {
    this.queue = queue;
    this.workspace = workspace;
    this.place = place;
    this.missing = missing;
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
function givenUp({ workspace, missing: { model, items } }: Batch, error: Failure): Failure {
  const [item] = items;
  const says =
    `workspace ${workspace}: ${item?.id} cannot be embedded with ${model.name} and is not found by meaning, only by its words ` +
    `(${error.message}); another model tries it again`;
  return failure(error.code, says, { workspace, item: item?.id ?? '', model: model.name, reason: 'not_embeddable' });
}
