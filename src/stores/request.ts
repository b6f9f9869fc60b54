// SPDX-License-Identifier: Apache-2.0
// A question as the stores' rules get it: its body and the two ways to answer. The composition binds it to an envelope.

import type { Failure } from '../errors.ts';

/** One question; exactly one of the two answers is given, exactly once. */
export interface Request<B, R> {
  readonly body: B;
  reply(body: R): void;
  fail(error: Failure): void;
}
