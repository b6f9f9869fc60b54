// SPDX-License-Identifier: Apache-2.0
// Samples in the text format of Prometheus, version 0.0.4.
// https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format

import type { MetricSample } from '../../actors/thread/protocol.ts';
import { METRICS } from './definitions.ts';

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const PARTS = ['', '_bucket', '_sum', '_count'] as const;

/** @throws Error for a sample that is of no metric there is */
export function metricsText(samples: readonly MetricSample[]): string {
  const byName = new Map<string, MetricSample[]>();
  for (const sample of samples) {
    const all = byName.get(sample.name);
    if (all === undefined) byName.set(sample.name, [sample]);
    else all.push(sample);
  }
  const lines: string[] = [];
  for (const [name, { type, help }] of Object.entries(METRICS)) {
    const own = PARTS.flatMap((part) => {
      const found = byName.get(`${name}${part}`) ?? [];
      byName.delete(`${name}${part}`);
      return found;
    });
    if (own.length === 0) continue;
    lines.push(`# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`, `# TYPE ${name} ${type}`);
    for (const sample of own) lines.push(`${sample.name}${labelsText(sample.labels)} ${numberText(sample.value)}`);
  }
  const [unknown] = byName.keys();
  if (unknown !== undefined) throw new Error(`the metric ${unknown} is not defined`);
  return `${lines.join('\n')}\n`;
}

function labelsText(labels: MetricSample['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.toWellFormed().replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function numberText(value: number): string {
  return Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : value < 0 ? '-Inf' : 'NaN';
}
