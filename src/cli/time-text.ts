// SPDX-License-Identifier: Apache-2.0
// Times and spans as a person says them.

const STEPS = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
] as const;

/** A span in its one or two largest units: `3 d 4 h`, `12 min`, `5 s`. */
export function spanText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const index = STEPS.findIndex(([size]) => whole >= size);
  const first = STEPS[index];
  if (first === undefined) return '0 s';
  const [size, unit] = first;
  const rest = STEPS[index + 1];
  const more = rest === undefined ? 0 : Math.floor((whole % size) / rest[0]);
  const head = `${Math.floor(whole / size)} ${unit}`;
  return more === 0 || rest === undefined || size === 60 ? head : `${head} ${more} ${rest[1]}`;
}

/** How long ago a time was; far ones by their date; what is no time as it stands. */
export function agoText(iso: string, now: number): string {
  const at = Date.parse(iso);
  if (Number.isNaN(at)) return iso === '' ? '–' : iso;
  const seconds = (now - at) / 1000;
  if (seconds < 1) return 'now';
  if (seconds >= 30 * 86_400) return iso.slice(0, 10);
  const step = STEPS.find(([size]) => seconds >= size);
  return step === undefined ? 'now' : `${Math.floor(seconds / step[0])} ${step[1]} ago`;
}
