// SPDX-License-Identifier: Apache-2.0
// Spans on their way to the collector: so many wait and no more, those that find no room or are not taken are counted, and said once.

import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';
import type { World } from '../../world.ts';

/** Spans that wait, spans that are sent at once, and how long the first waits for others where nothing else is said, in milliseconds. */
export const WAITING_MOST = 2_048;
export const AT_ONCE = 512;
const GATHER_MS = 1_000;
/** How long what is left at the end may take, in milliseconds. */
const LAST_MS = 2_000;
/** `ExportResultCode.SUCCESS`. */
const TAKEN = 0;
/** `TraceFlags.SAMPLED`. */
const SAMPLED = 1;

export interface SpanQueueOptions {
  readonly gather_ms?: number | undefined;
  readonly exporter: SpanExporter;
  readonly world: Pick<World, 'after'>;
  readonly sent: (spans: number) => void;
  readonly dropped: (spans: number, reason: 'queue_full' | 'not_taken') => void;
  /** The collector takes none: said when that begins. */
  readonly failing: (error: unknown) => void;
  /** And when it takes them again. */
  readonly recovered: () => void;
}

export class SpanQueue implements SpanProcessor {
  readonly #options: SpanQueueOptions;
  #waiting: ReadableSpan[] = [];
  #sending: Promise<void> | undefined;
  #stopTimer: (() => void) | undefined;
  #failing = false;
  #closed = false;

  constructor(options: SpanQueueOptions) {
    this.#options = options;
  }

  onStart(): void {
    // Only what has ended is told of.
  }

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & SAMPLED) === 0) return;
    if (this.#closed || this.#waiting.length >= WAITING_MOST) return this.#options.dropped(1, 'queue_full');
    this.#waiting.push(span);
    if (this.#waiting.length >= AT_ONCE) this.#send();
    else this.#gather();
  }

  async forceFlush(): Promise<void> {
    while (this.#waiting.length > 0 || this.#sending !== undefined) {
      this.#send();
      await this.#sending;
    }
  }

  /** Sends what is left, as far as there is time. */
  async shutdown(): Promise<void> {
    await new Promise<void>((resolve) => {
      const late = this.#options.world.after(LAST_MS, resolve);
      void this.forceFlush().then(() => {
        late();
        resolve();
      });
    });
    this.#closed = true;
    this.#stopTimer?.();
    const left = this.#waiting.splice(0).length;
    if (left > 0) this.#options.dropped(left, 'not_taken');
    await this.#options.exporter.shutdown();
  }

  #send(): void {
    if (this.#sending !== undefined || this.#waiting.length === 0) return;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    const spans = this.#waiting.splice(0, AT_ONCE);
    this.#sending = new Promise<void>((resolve) => {
      this.#options.exporter.export(spans, ({ code, error }) => {
        if (code === TAKEN) this.#taken(spans.length);
        else this.#notTaken(spans.length, error);
        resolve();
      });
    }).then(() => {
      this.#sending = undefined;
      if (this.#waiting.length > 0 && !this.#closed) this.#gather();
    });
  }

  /** Sends what waits once others have had their time to join it; one that fires while others are sent is over as well. */
  #gather(): void {
    this.#stopTimer ??= this.#options.world.after(this.#options.gather_ms ?? GATHER_MS, () => {
      this.#stopTimer = undefined;
      this.#send();
    });
  }

  #taken(spans: number): void {
    this.#options.sent(spans);
    if (this.#failing) this.#options.recovered();
    this.#failing = false;
  }

  #notTaken(spans: number, error: unknown): void {
    this.#options.dropped(spans, 'not_taken');
    if (!this.#failing) this.#options.failing(error);
    this.#failing = true;
  }
}
