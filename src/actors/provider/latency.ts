// SPDX-License-Identifier: Apache-2.0
// How long the newest good calls took: a ring of them, put in order when somebody looks.

import type { LatencyStatus, Percentiles } from './protocol.ts';

/** Calls that are kept. */
const NEWEST = 256;

class Ring {
  private readonly values = new Float64Array(NEWEST);
  private count = 0;

  add(value: number): void {
    this.values[this.count % NEWEST] = value;
    this.count += 1;
  }

  /** Of nearest rank: each is a time that was measured. */
  percentiles(): Percentiles | null {
    if (this.count === 0) return null;
    const sorted = this.values.slice(0, Math.min(this.count, NEWEST)).sort();
    const at = (share: number): number => {
      const value = sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
      return Math.round(value * 10) / 10;
    };
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
  }
}

export class Latency {
  private readonly first = new Ring();
  private readonly whole = new Ring();

  /** A call went well; in milliseconds. */
  add(took_ms: number, first_event_ms: number | undefined): void {
    this.whole.add(took_ms);
    if (first_event_ms !== undefined) this.first.add(first_event_ms);
  }

  status(): LatencyStatus {
    return { first_event_ms: this.first.percentiles(), took_ms: this.whole.percentiles() };
  }
}
