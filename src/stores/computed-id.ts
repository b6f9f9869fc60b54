// SPDX-License-Identifier: Apache-2.0
// Ids that are computed from what they stand for, so that whoever knows the one knows the other: UUIDv8 over SHA-256.

import { hash } from 'node:crypto';

/** The variant's two bits, in the digit they are the upper half of (RFC 9562 §4.1). */
const VARIANT = '89ab';

/** A UUIDv8 (RFC 9562 §5.8) of a text. */
export function uuidOf(text: string): string {
  const hex = hash('sha256', text, 'hex');
  const variant = VARIANT[Number.parseInt(hex[16] ?? '0', 16) & 3] ?? '8';
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
