// SPDX-License-Identifier: Apache-2.0
// Asking all threads at once; one that does not answer only leaves a gap with its name.

import type { Failure } from '../errors.ts';
import type { Asked } from './ask.ts';

export interface Answers<R> {
  readonly answers: readonly (readonly [thread: string, answer: R])[];
  readonly unreachable: readonly string[];
  /** Why the first of those did not answer. */
  readonly failed: Failure | undefined;
}

export async function ofAll<R>(
  threads: readonly string[],
  asking: (thread: string) => Promise<Asked<R>>,
): Promise<Answers<R>> {
  const asked = await Promise.all(threads.map(async (thread) => [thread, await asking(thread)] as const));
  return {
    answers: asked.flatMap(([thread, answer]) => (answer.ok ? [[thread, answer.answer] as const] : [])),
    unreachable: asked.flatMap(([thread, answer]) => (answer.ok ? [] : [thread])),
    failed: asked.flatMap(([, answer]) => (answer.ok ? [] : [answer.error]))[0],
  };
}
