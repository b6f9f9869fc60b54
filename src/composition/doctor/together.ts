// SPDX-License-Identifier: Apache-2.0
// Checks that wait for the network: all at once, each with its own time limit, told in the order they were asked in.

import { type CheckContext, type Finding, fail } from '../../cli/doctor-check.ts';
import { toFailure } from '../../errors.ts';

/**
 * Tries each of some things.
 *
 * @param within milliseconds after which one is given up; its signal is aborted then
 */
export async function* together<T>(
  { progress }: CheckContext,
  all: readonly T[],
  within: number,
  each: (one: T, signal: AbortSignal) => Promise<Finding>,
): AsyncGenerator<Finding> {
  let done = 0;
  const told = (): void => progress(`${done} of ${all.length} answered`);
  told();
  const found = all.map(async (one) => {
    const signal = AbortSignal.timeout(within);
    const late = Promise.withResolvers<never>();
    const giveUp = (): void => late.reject(new Error(`no answer within ${within / 1_000} s`));
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      return await Promise.race([each(one, signal), late.promise]);
    } catch (thrown) {
      return fail(`it could not be tried: ${toFailure(thrown).message}`, 'sigil doctor --verbose');
    } finally {
      signal.removeEventListener('abort', giveUp);
      done += 1;
      told();
    }
  });
  for (const one of found) yield await one;
}
