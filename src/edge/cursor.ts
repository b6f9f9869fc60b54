// SPDX-License-Identifier: Apache-2.0
// Cursors of lists that are put together here: opaque to whoever carries them back.

import { invalid, type Refusal } from './problem.ts';

/** Named positions: texts, or numbers written as text. */
export type Positions = Readonly<Record<string, string | number>>;

export function sealCursor(positions: Positions): string {
  return Buffer.from(JSON.stringify(positions)).toString('base64url');
}

/** @throws Refusal `validation_failed` when it is none of ours. */
export function openCursor(cursor: string): Readonly<Record<string, string>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      const entries = Object.entries(value);
      if (entries.every(([, position]) => typeof position === 'string' || Number.isSafeInteger(position))) {
        return Object.fromEntries(entries.map(([name, position]) => [name, String(position)]));
      }
    }
  } catch {
    // Falls through: what cannot be read is as wrong as what reads as something else.
  }
  throw otherList();
}

/** What is sent is no cursor, or another list's. */
export function otherList(): Refusal {
  return invalid([{ path: 'cursor', message: 'is not a cursor of this list' }]);
}
