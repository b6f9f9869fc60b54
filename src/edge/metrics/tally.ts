// SPDX-License-Identifier: Apache-2.0
// What a thread counts of what it does: a number for each name and label, of which there are few, and nothing else.

import type { MetricSample } from '../../actors/thread/protocol.ts';
import type { MetricName } from './definitions.ts';

/** Upper bounds in seconds: from what a calculator takes to what a long turn takes. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600] as const;
/** Values of labels that are kept apart for one metric; what comes after them is counted as `other`. */
const APART = 200;

/** How often something took how long. */
export class Durations {
  /** One for each bound, and one for what is longer than all. */
  private readonly counts = new Float64Array(BUCKETS.length + 1);
  private sum = 0;

  note(seconds: number): void {
    let at = 0;
    while (at < BUCKETS.length && seconds > (BUCKETS[at] ?? 0)) at += 1;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
    this.sum += seconds;
  }

  samples(name: MetricName, labels: MetricSample['labels']): readonly MetricSample[] {
    let count = 0;
    const buckets = [...this.counts].map((own, at) => {
      count += own;
      const le = at < BUCKETS.length ? String(BUCKETS[at]) : '+Inf';
      return { name: `${name}_bucket`, labels: { ...labels, le }, value: count };
    });
    return [
      ...buckets,
      { name: `${name}_sum`, labels, value: this.sum },
      { name: `${name}_count`, labels, value: count },
    ];
  }
}

type Counted = Map<string, { readonly labels: MetricSample['labels']; value: number }>;
type Timed = Map<string, { readonly labels: MetricSample['labels']; readonly durations: Durations }>;

const NO_LABELS: MetricSample['labels'] = Object.freeze({});

export class Tally {
  private readonly counted = new Map<MetricName, Counted>();
  private readonly timed = new Map<MetricName, Timed>();

  /** Adds to a counter. @param labels by name; few values each */
  add(name: MetricName, by: number, labels: MetricSample['labels'] = NO_LABELS): void {
    let all = this.counted.get(name);
    if (all === undefined) {
      all = new Map();
      this.counted.set(name, all);
    }
    const [key, kept] = room(all, labels);
    const known = all.get(key);
    if (known === undefined) all.set(key, { labels: kept, value: by });
    else known.value += by;
  }

  time(name: MetricName, seconds: number, labels: MetricSample['labels'] = NO_LABELS): void {
    let all = this.timed.get(name);
    if (all === undefined) {
      all = new Map();
      this.timed.set(name, all);
    }
    const [key, kept] = room(all, labels);
    let known = all.get(key);
    if (known === undefined) {
      known = { labels: kept, durations: new Durations() };
      all.set(key, known);
    }
    known.durations.note(seconds);
  }

  samples(): readonly MetricSample[] {
    const samples: MetricSample[] = [];
    for (const [name, all] of this.counted)
      for (const { labels, value } of all.values()) samples.push({ name, labels, value });
    for (const [name, all] of this.timed)
      for (const { labels, durations } of all.values()) samples.push(...durations.samples(name, labels));
    return samples;
  }
}

/** Under which key these labels are counted: their own, as long as there is room for one more. */
function room(
  all: ReadonlyMap<string, unknown>,
  labels: MetricSample['labels'],
): readonly [key: string, labels: MetricSample['labels']] {
  // Most have one label: its value is the key as it is, and no text is put together anew each time.
  let key = '';
  let first = true;
  for (const name in labels) {
    key = first ? (labels[name] ?? '') : `${key}\0${labels[name]}`;
    first = false;
  }
  if (all.size < APART || all.has(key)) return [key, labels];
  const other = Object.fromEntries(Object.keys(labels).map((name) => [name, 'other']));
  return ['other', other];
}
