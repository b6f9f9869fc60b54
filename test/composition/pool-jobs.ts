// SPDX-License-Identifier: Apache-2.0
// Jobs for the pool's tests: one that answers, and those that go wrong in each of the ways a job can.

import { threadId } from 'node:worker_threads';

export function answer(input: unknown): { readonly input: unknown; readonly thread: number } {
  return { input, thread: threadId };
}

export function refuse(): never {
  throw new Error('this job does not want to');
}

export function hang(): never {
  for (;;);
}

export function die(): never {
  process.exit(3);
}

export function flood(): never {
  const held: unknown[] = [];
  for (;;) held.push(Array.from({ length: 10_000 }, (_, at) => ({ at })));
}
