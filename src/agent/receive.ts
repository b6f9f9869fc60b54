// SPDX-License-Identifier: Apache-2.0
// The first stage: whether an inbound text may become a message, and in which form it is kept.

import { Buffer } from 'node:buffer';
import { type Failure, failure } from '../errors.ts';

export interface ReceiveLimits {
  /** The most a message may have, in bytes of UTF-8. */
  readonly max_bytes: number;
}

export type Received =
  | {
      readonly ok: true;
      readonly content: string;
      /** Characters that could not be kept and are U+FFFD now. */
      readonly replaced: number;
    }
  | { readonly ok: false; readonly failure: Failure };

const REPLACEMENT = '\uFFFD';
const UNKEEPABLE = /\0|\p{Cs}/gu;
/** Anything a person could see or a model could read: no space, control or invisible formatting character. */
const SOMETHING = /[^\s\p{Cc}\p{Cf}]/u;

function refuse(code: 'validation_failed' | 'payload_too_large', message: string): Received {
  return { ok: false, failure: failure(code, message, { errors: [{ path: 'content', message }] }) };
}

/**
 * Accepts a text or says why not. Half a surrogate pair cannot be written as UTF-8 and NUL ends strings in half the
 * world's software: both come from broken senders, not from people, so they are replaced visibly and nothing is lost of
 * the rest. Nothing else is changed.
 *
 * @param beside whether something comes with it: then it need say nothing
 */
export function receive(text: string, limits: ReceiveLimits, beside = false): Received {
  // A UTF-16 unit takes at least one byte, so a huge text is refused without being counted.
  const bytes = text.length > limits.max_bytes ? text.length : Buffer.byteLength(text);
  if (bytes > limits.max_bytes) {
    return refuse('payload_too_large', `A message may have at most ${limits.max_bytes} bytes.`);
  }
  if (!beside && !SOMETHING.test(text)) return refuse('validation_failed', 'A message must hold some text.');
  let replaced = 0;
  const content = text.replace(UNKEEPABLE, () => {
    replaced += 1;
    return REPLACEMENT;
  });
  return { ok: true, content, replaced };
}
