// SPDX-License-Identifier: Apache-2.0
// How providers are told: their states in colour, their latencies, and what is wrong with what mends it.

import { type JsonObject, object, objects, text } from './json-reading.ts';
import type { Paint } from './output.ts';
import { stateText } from './state-text.ts';
import { oneLine } from './terminal-text.ts';

/** A provider's state, as good or bad as it is. */
export function paintedState(provider: JsonObject, paint: Paint): string {
  const state = stateText(provider['state']);
  if (state === 'configured') return paint.dim(state);
  if (state === 'half_open') return paint.yellow(state);
  return state === 'closed' && provider['available'] !== false ? paint.green(state) : paint.red(state);
}

/** Percentiles in milliseconds, or seconds where they are long. */
export function latencyText(percentiles: unknown): string {
  const { p50, p95, p99 } = object(percentiles);
  const shown = [p50, p95, p99].map((value) => (typeof value === 'number' ? spanOf(value) : ''));
  return shown.every((value) => value !== '') ? shown.join(' / ') : '–';
}

function spanOf(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** What is wrong, one line each, with what to do on the next. */
export function problemLines(providers: readonly JsonObject[], paint: Paint): readonly string[] {
  return providers.flatMap((provider) =>
    objects(provider['problems']).flatMap((problem) => [
      `${paint.red(oneLine(text(problem['what'])))}: ${oneLine(text(problem['message']))}`,
      `  ${paint.dim('→')} ${oneLine(text(problem['advice']))}`,
    ]),
  );
}
