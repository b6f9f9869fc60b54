// SPDX-License-Identifier: Apache-2.0
// Points in time as callers of the stores have them. The one place here that knows dates: it makes them, it reads no clock.

// biome-ignore lint/style/noRestrictedGlobals: the type alone.
export type DateTime = Date;

/** A time from RFC 3339 or epoch milliseconds. */
export function dateTime(of: string | number): DateTime {
  // biome-ignore lint/style/noRestrictedGlobals: made of what is given, never of what time it is.
  return new Date(of);
}
