// SPDX-License-Identifier: Apache-2.0
// Durations and sizes as people write them (`30s`, `25MB`), to and from milliseconds and bytes.

const DURATION_UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

/** Sizes count in 1024s, whatever the two letters suggest elsewhere. */
const SIZE_UNITS = [
  ['TB', 1024 ** 4],
  ['GB', 1024 ** 3],
  ['MB', 1024 ** 2],
  ['KB', 1024],
  ['B', 1],
] as const;

/** What a written duration looks like; a plain number is milliseconds. */
export const DURATION_PATTERN = /^\d{1,16}(\.\d{1,6})?(ms|s|m|h|d)?$/;

/** What a written size looks like; a plain number is bytes. */
export const SIZE_PATTERN = /^\d{1,16}(\.\d{1,6})?(B|KB|MB|GB|TB)?$/;

type Units = readonly (readonly [string, number])[];

function parseWith(text: string, pattern: RegExp, units: Units): number | undefined {
  if (!pattern.test(text)) return undefined;
  const digits = /^[\d.]+/.exec(text)?.[0] ?? '';
  const suffix = text.slice(digits.length);
  const factor = suffix === '' ? 1 : units.find(([name]) => name === suffix)?.[1];
  if (factor === undefined) return undefined;
  const value = Number(digits) * factor;
  // A fraction of the smallest unit means nothing, and past 2^53 numbers lose their last digits.
  return Number.isSafeInteger(value) ? value : undefined;
}

function formatWith(value: number, units: Units): string {
  if (value === 0) return `0${units === DURATION_UNITS ? 's' : 'B'}`;
  for (const [name, factor] of units) if (value % factor === 0) return `${value / factor}${name}`;
  return String(value);
}

/**
 * Milliseconds of a written duration, or undefined when it is none.
 * @param text such as `30s`, `1.5h`, `500ms`, or digits alone for milliseconds
 */
export function parseDuration(text: string): number | undefined {
  return parseWith(text, DURATION_PATTERN, DURATION_UNITS);
}

/**
 * Bytes of a written size (1 KB is 1024 bytes), or undefined when it is none.
 * @param text such as `512KB`, `25MB`, or digits alone for bytes
 */
export function parseSize(text: string): number | undefined {
  return parseWith(text, SIZE_PATTERN, SIZE_UNITS);
}

/** The shortest exact way to write this many milliseconds: `15m`, `90s`, `1500ms`. */
export function formatDuration(milliseconds: number): string {
  return formatWith(milliseconds, DURATION_UNITS);
}

/** The shortest exact way to write this many bytes (1024-based): `1MB`, `1536KB`. */
export function formatSize(bytes: number): string {
  return formatWith(bytes, SIZE_UNITS);
}
