// SPDX-License-Identifier: Apache-2.0
// Ids of what somebody states: the same statement of the same person has the same, whoever keeps it.

import { hash } from 'node:crypto';
import type { Statement } from '../agent/tools/memory-port.ts';
import { foldedText } from '../stores/folded-text.ts';

export interface StatementIds {
  readonly entity_id: string;
  readonly fact_id: string;
}

/**
 * Ids that follow from what is said and by whom: a call that is made again after a crash adds nothing, and what two people
 * say of "my dog" is said of two dogs.
 */
export function statementIds(user_id: string, { subject, predicate, value }: Statement): StatementIds {
  const entity_id = uuidV8(['subject', user_id, foldedText(subject)]);
  return { entity_id, fact_id: uuidV8(['fact', entity_id, predicate, value]) };
}

/** A UUID made of a digest (RFC 9562, version 8). */
function uuidV8(parts: readonly string[]): string {
  const digits = hash('sha256', JSON.stringify(parts), 'hex').slice(0, 32);
  const variant = ((Number.parseInt(digits.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  const hex = `${digits.slice(0, 12)}8${digits.slice(13, 16)}${variant}${digits.slice(17)}`;
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
