// SPDX-License-Identifier: Apache-2.0
// Wrong pairing codes, by who sent them: after five nothing more is taken of them for an hour. Pure, and bounded.

import type { CodeTries } from './directory-records.ts';

/** By who sent them. */
export type Tries = ReadonlyMap<string, CodeTries>;

/** Wrong codes somebody may send in one {@link LOCK_MS}. */
export const TRIES_MOST = 5;
/** How long nothing is taken of them after that, and how long a wrong code is remembered, in milliseconds. */
export const LOCK_MS = 3_600_000;
/** How many are remembered; with more of them at once no code is taken of anybody else who has sent a wrong one. */
export const TRIERS_MOST = 10_000;

/** What of somebody's tries still counts. */
export function triesOf(tries: Tries, sender: string, now: number): CodeTries | undefined {
  const own = tries.get(sender);
  return own === undefined || isOver(own, now) ? undefined : own;
}

/** Whether one more wrong code could not be remembered. */
export function triesFull(tries: Tries, now: number): boolean {
  if (tries.size < TRIERS_MOST) return false;
  for (const own of tries.values()) if (isOver(own, now)) return false;
  return true;
}

/** With one more of somebody's. */
export function triesAfter(tries: Tries, sender: string, at: number): Tries {
  const next = new Map(tries);
  if (next.size >= TRIERS_MOST) for (const [key, own] of tries) if (isOver(own, at)) next.delete(key);
  const before = triesOf(tries, sender, at);
  const count = (before?.count ?? 0) + 1;
  const locked_until = count >= TRIES_MOST ? at + LOCK_MS : 0;
  return next.set(sender, { count, since: before?.since ?? at, locked_until });
}

export function withoutTries(tries: Tries, sender: string | undefined): Tries {
  if (sender === undefined || !tries.has(sender)) return tries;
  const next = new Map(tries);
  next.delete(sender);
  return next;
}

function isOver({ since, locked_until }: CodeTries, now: number): boolean {
  return locked_until === 0 ? since + LOCK_MS <= now : locked_until <= now;
}
