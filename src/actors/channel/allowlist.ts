// SPDX-License-Identifier: Apache-2.0
// Platform ids that are listed, exact or with `*` for any run of characters; compiled once, matched in linear time.

/** Whether an id is listed. */
export interface Allowlist {
  has(platform_id: string): boolean;
}

/** The longest id that is looked at; platforms' are shorter. */
const ID_MOST = 500;

/** Compiles a list. Ids are compared as they are written: what a platform tells apart is told apart. */
export function compileAllowlist(listed: readonly string[]): Allowlist {
  const exact = new Set(listed.filter((one) => !one.includes('*')));
  const globs = listed.filter((one) => one.includes('*')).map((one) => one.split('*'));
  return {
    has: (platform_id) =>
      exact.has(platform_id) ||
      (globs.length > 0 && platform_id.length <= ID_MOST && globs.some((pieces) => covers(pieces, platform_id))),
  };
}

/**
 * The first piece at the front, the last at the end, each of the others as far to the front as it goes: which is right
 * because `*` takes anything, and never goes back.
 */
function covers(pieces: readonly string[], text: string): boolean {
  const first = pieces[0] ?? '';
  const last = pieces.at(-1) ?? '';
  if (!text.startsWith(first)) return false;
  let at = first.length;
  const end = text.length - last.length;
  for (let piece = 1; piece < pieces.length - 1; piece += 1) {
    const own = pieces[piece] ?? '';
    const found = text.indexOf(own, at);
    if (found < 0) return false;
    at = found + own.length;
  }
  return end >= at && text.endsWith(last);
}
