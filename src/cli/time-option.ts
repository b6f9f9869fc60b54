// SPDX-License-Identifier: Apache-2.0
// A time as it is written on a command line: a point in time, a day, or so long ago.

import { parseDuration } from '../config/units.ts';
import { wrongUsage } from './cli-error.ts';
import type { Call } from './command.ts';

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const POINT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?$/;

/** The time an option names, RFC 3339 in UTC; undefined when it was not given. A day is that day's beginning, UTC. */
export function timeOption(call: Call, name: string, now: number): string | undefined {
  const text = call.value(name);
  if (text === undefined) return undefined;
  const ago = /^\d+$/.test(text) ? undefined : parseDuration(text);
  const at = ago !== undefined ? now - ago : DAY.test(text) || POINT.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at) && Math.abs(at) <= 8.64e15) return new Date(at).toISOString();
  throw wrongUsage(
    `--${name} is no time: ${JSON.stringify(text)}.`,
    'Write it like 2026-11-20T12:00:00Z, 2026-11-20, or so long ago: 30m, 24h, 7d.',
  );
}
