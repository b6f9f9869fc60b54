// SPDX-License-Identifier: Apache-2.0
// Pairing codes as they are made: random, told once, and kept only as a hash that is bound to their channel.

import { randomBytes } from 'node:crypto';
import { CODE_LENGTH, CODE_MS, codeHash, codeOf } from '../stores/directory-codes.ts';
import type { MintedCode } from '../stores/gateway-store-doors.ts';

/** @param now epoch milliseconds: the code is good from then on, for {@link CODE_MS} */
export function mintCode(channel: string, uuid: () => string, now: () => number): MintedCode {
  const secret = codeOf(randomBytes(CODE_LENGTH));
  return { id: uuid(), secret, hash: codeHash(channel, secret), expires_at: now() + CODE_MS };
}
