// SPDX-License-Identifier: Apache-2.0
// Numbers, sizes and times as people read them.

const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const TENTHS = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const HUNDREDTHS = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** `1 actor`, `12,345 actors`. */
export function many(value: number, what: string): string {
  return `${count(value)} ${what}${value === 1 ? '' : 's'}`;
}

/** `12,345`. */
export function count(value: number): string {
  return WHOLE.format(value);
}

/** Milliseconds: `0.42 ms`, `12.3 ms`, `1.2 s`. */
export function millis(value: number): string {
  if (value >= 10_000) return `${TENTHS.format(value / 1000)} s`;
  if (value >= 1000) return `${HUNDREDTHS.format(value / 1000)} s`;
  if (value >= 100) return `${WHOLE.format(value)} ms`;
  if (value >= 10) return `${TENTHS.format(value)} ms`;
  return `${Number.isInteger(value) ? value : HUNDREDTHS.format(value)} ms`;
}

/** Microseconds: `42 µs`, `1.2 ms`. */
export function micros(value: number): string {
  return value < 1000 ? `${WHOLE.format(value)} µs` : millis(value / 1000);
}

/** `24.6 MB`. */
export function bytes(value: number): string {
  if (value >= 1e9) return `${HUNDREDTHS.format(value / 1e9)} GB`;
  return `${TENTHS.format(value / 1e6)} MB`;
}

/** A share of 0 to 1: `8.2 %`. */
export function percent(value: number): string {
  return `${TENTHS.format(value * 100)} %`;
}

/** Seconds: `42 s`, `3 min`, `5 h 12 min`, `2 d 3 h`. */
export function span(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** How long ago, from two instants in milliseconds; a clock that is a little behind is no future. */
export function ago(at: string, now: number): string {
  const seconds = (now - Date.parse(at)) / 1000;
  return seconds < 1 ? 'now' : `${span(seconds)} ago`;
}

/** `14:03:12.345`, in the time of whoever looks. */
export function clock(at: string): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${time}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** `2026-11-21 14:03:12`. */
export function dateTime(at: string): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(at).slice(0, 8)}`;
}
