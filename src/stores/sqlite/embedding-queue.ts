// SPDX-License-Identifier: Apache-2.0
// The workspaces that lack vectors of one model: who is next, how much is asked for at once, and when it is tried again after a failure.

import type { Failure } from '../../errors.ts';
import { EMBED_MOST } from '../embedder.ts';
import type { EmbeddingState } from '../protocol.ts';
import type { VectorModel } from '../vector-store.ts';

/** First and longest pause after a failure in milliseconds: it doubles. */
const PAUSE = { first: 1_000, longest: 60_000 } as const;
/** The longest where somebody must change something first: each attempt costs a call. */
const PAUSE_FOR_PEOPLE = 600_000;
/** Failures that go on until somebody corrects a setting, a key or an account. */
const FOR_PEOPLE: ReadonlySet<Failure['code']> = new Set<Failure['code']>([
  'provider_auth',
  'provider_quota',
  'provider_model_unknown',
  'validation_failed',
]);
/** The longest pause a vendor is granted, in milliseconds. */
const ASKED_MOST = 24 * 60 * 60_000;
/** Workspaces named in the state. */
const NAMED_MOST = 50;

export class EmbeddingQueue {
  readonly model: VectorModel;
  /** A batch of it is on its way, or it rests. */
  busy = false;
  readonly #waiting = new Set<string>();
  #failures = 0;
  /** Texts asked for at once: fewer after a batch took too long, and one to find out whether it works again. */
  #most: number = EMBED_MOST.texts;
  #trial = false;
  #error: { readonly code: string; readonly message: string; readonly at: number } | null = null;
  #until: number | null = null;

  constructor(model: VectorModel) {
    this.model = model;
  }

  get most(): number {
    return this.#trial ? 1 : this.#most;
  }

  /** Puts a workspace in, behind all others. */
  add(workspace: string): void {
    this.#waiting.add(workspace);
  }

  /** Takes the next workspace out. */
  next(): string | undefined {
    for (const workspace of this.#waiting) {
      this.#waiting.delete(workspace);
      return workspace;
    }
    return undefined;
  }

  /** Something was embedded. @param full whether as much was asked for as may be */
  worked(full: boolean): void {
    this.#failures = 0;
    this.#trial = false;
    this.#error = null;
    if (full) this.#most = Math.min(EMBED_MOST.texts, this.#most + 1);
  }

  /** The next attempt is another than the last one: it need not be waited for as long. */
  easier(): void {
    this.#failures = 0;
  }

  /** A batch of so many took too long: half of it is asked for from now on. */
  slow(texts: number): void {
    this.#most = Math.max(1, Math.floor(texts / 2));
  }

  /** What failed says nothing about what was asked for: one text will show whether it works again. */
  doubt(): void {
    this.#trial = true;
  }

  /** Notes a failure. @returns whether it is another than the last one, so that somebody should hear of it */
  failed({ code, message }: Failure, now: number): boolean {
    const news = this.#error?.code !== code;
    this.#error = { code, message, at: now };
    return news;
  }

  /** How long it rests after a failure, in milliseconds: as long as it is asked to, and longer each time. */
  pause({ code, details }: Failure): number {
    const longest = FOR_PEOPLE.has(code) || details?.['for_people'] === true ? PAUSE_FOR_PEOPLE : PAUSE.longest;
    const own = Math.min(longest, PAUSE.first * 2 ** this.#failures);
    this.#failures += 1;
    const asked = details?.['retry_after_ms'];
    return typeof asked === 'number' ? Math.max(own, Math.min(asked, ASKED_MOST)) : own;
  }

  /** It rests until then, on the clock of {@link failed}; null: no longer. */
  rests(until: number | null): void {
    this.#until = until;
  }

  state(now: number): EmbeddingState {
    const { model, dimensions } = { model: this.model.name, dimensions: this.model.dimensions };
    const waiting = [...this.#waiting];
    const error = this.#error;
    return {
      model,
      dimensions,
      state: error !== null ? 'waiting' : this.busy ? 'embedding' : 'idle',
      waiting: waiting.length,
      workspaces: waiting.slice(0, NAMED_MOST),
      retry_in_ms: this.#until === null ? null : Math.max(0, Math.round(this.#until - now)),
      last_error:
        error === null ? null : { code: error.code, message: error.message, ago_ms: Math.round(now - error.at) },
    };
  }
}
