// SPDX-License-Identifier: Apache-2.0
// Counters that only ever rise: what a thread or an actor had counted when it ended stays in the sum.

import type { MetricSample } from '../../actors/thread/protocol.ts';

interface Source {
  life: number;
  /** What its lives that are over have counted, as of the last look at each. */
  readonly before: Map<string, MetricSample>;
  now: Map<string, MetricSample>;
}

/** One for a gateway: it remembers the last look at each source, of which there are few. */
export class Totals {
  private readonly sources = new Map<string, Source>();

  /** What a source has counted in this life of it. */
  take(name: string, life: number, samples: readonly MetricSample[]): void {
    const source = this.sources.get(name) ?? { life, before: new Map(), now: new Map() };
    this.sources.set(name, source);
    const now = new Map(samples.map((sample) => [keyOf(sample), sample]));
    for (const [key, old] of source.now) {
      const value = now.get(key)?.value ?? 0;
      // It counts from 0 again, whether it says so or not.
      if (life === source.life && value >= old.value) continue;
      source.before.set(key, { ...old, value: old.value + (source.before.get(key)?.value ?? 0) });
    }
    source.life = life;
    source.now = now;
  }

  /** The sums over all sources, those among them that were not heard this time. */
  samples(): readonly MetricSample[] {
    const sums = new Map<string, MetricSample>();
    for (const { before, now } of this.sources.values())
      for (const all of [before, now])
        for (const [key, sample] of all)
          sums.set(key, { ...sample, value: sample.value + (sums.get(key)?.value ?? 0) });
    return [...sums.values()];
  }
}

/** Name and labels, as one text. */
export function keyOf({ name, labels }: MetricSample): string {
  return `${name}${JSON.stringify(Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1)))}`;
}
