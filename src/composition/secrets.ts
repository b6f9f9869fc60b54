// SPDX-License-Identifier: Apache-2.0
// Secrets in a thread: the root alone opens the place they are kept in, the others ask it, and all of them hide what was used.

import { failure, SigilError } from '../errors.ts';
import { Redactor } from '../secrets/redactor.ts';
import type { SecretResolver } from '../secrets/resolver.ts';
import type { World } from '../world.ts';
import type { SecretAnswer } from './boot.ts';

export interface ThreadSecrets extends SecretResolver {
  readonly redactor: Redactor;
}

/** Longest time until the root has answered, in milliseconds: a keyring may be waiting for a person to unlock it. */
const ANSWER_MS = 90_000;
/** Questions of one thread at a time. */
const ASKS_MOST = 1_024;

/** Those of a thread that nobody gives any. */
export function noSecrets(): ThreadSecrets {
  const nothing = failure('not_found', 'There are no secrets here.');
  return { redactor: new Redactor(), resolve: () => Promise.reject(new SigilError(nothing)) };
}

export interface AskedSecretsOptions {
  readonly hidden: readonly string[];
  readonly world: Pick<World, 'after'>;
  /** Asks the root; it answers under the same number. */
  readonly ask: (ask: number, written: string) => void;
}

/** Those of every other thread. */
export interface AskedSecrets extends ThreadSecrets {
  answered(ask: number, answer: SecretAnswer): void;
}

export function askedSecrets({ hidden, world, ask }: AskedSecretsOptions): AskedSecrets {
  const redactor = new Redactor();
  for (const value of hidden) redactor.add(value);
  const waiting = new Map<number, (answer: SecretAnswer) => void>();
  let last = 0;
  return {
    redactor,
    answered: (number, answer) => waiting.get(number)?.(answer),
    resolve: (written) => {
      if (waiting.size >= ASKS_MOST) {
        const error = failure('overloaded', `${ASKS_MOST} questions for secrets wait already.`);
        return Promise.reject(new SigilError(error));
      }
      last += 1;
      const number = last;
      return new Promise((resolve, reject) => {
        const settle = (answer: SecretAnswer): void => {
          waiting.delete(number);
          giveUp();
          if (!answer.ok) return reject(new SigilError(answer.error));
          try {
            // Heard before the root's word to all threads that it is to be hidden.
            redactor.add(answer.value);
            resolve(answer.value);
          } catch (thrown) {
            reject(thrown instanceof Error ? thrown : new SigilError(failure('internal', String(thrown))));
          }
        };
        const giveUp = world.after(ANSWER_MS, () => {
          const message = `A secret was not there within ${ANSWER_MS / 1000} s.`;
          settle({ ok: false, error: failure('deadline_exceeded', message) });
        });
        waiting.set(number, settle);
        ask(number, written);
      });
    },
  };
}
