// SPDX-License-Identifier: Apache-2.0
// A provider's key at the moment it is used: asked for again now and then, so that one that is changed is taken up.

import type { SecretResolver } from '../secrets/resolver.ts';
import type { World } from '../world.ts';

/** How long a key is used before it is asked for again, in milliseconds: asking at each call would cost each a message. */
const KEPT_MS = 60_000;

export interface ProviderKey {
  /** The key; undefined for a provider that has none. @throws SigilError of the resolver */
  read(signal: AbortSignal): Promise<string | undefined>;
  /** It was refused, or may have been changed: the next call asks for it anew. */
  forget(): void;
}

/** @param written `api_key` as the configuration has it; undefined or empty: the provider is asked without */
export function createProviderKey(
  written: string | undefined,
  resolve: SecretResolver['resolve'],
  now: World['now'],
): ProviderKey {
  let asked: Promise<string> | undefined;
  let at = 0;
  const ask = (): Promise<string> => {
    if (asked !== undefined && now() - at < KEPT_MS) return asked;
    const asking = resolve(written ?? '');
    at = now();
    asked = asking;
    asking.catch(() => {
      if (asked === asking) asked = undefined;
    });
    return asking;
  };
  return {
    read: async (signal) => {
      if (written === undefined || written === '') return undefined;
      signal.throwIfAborted();
      return await new Promise((resolved, reject) => {
        const abort = (): void => reject(signal.reason);
        signal.addEventListener('abort', abort, { once: true });
        ask()
          .then(resolved, reject)
          .finally(() => signal.removeEventListener('abort', abort));
      });
    },
    forget: () => {
      asked = undefined;
    },
  };
}
