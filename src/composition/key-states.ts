// SPDX-License-Identifier: Apache-2.0
// What a lane's thread knows of its providers' keys: which it used, which was refused, and which there is now. Hashes only.

import { createHmac, randomBytes } from 'node:crypto';
import type { KeyState } from '../actors/thread/protocol.ts';
import type { Failure } from '../errors.ts';
import type { SecretResolver } from '../secrets/resolver.ts';

export interface KeyStatesOptions {
  /** The key of a provider as the configuration has it. */
  readonly written: (provider: string) => string | undefined;
  readonly resolve: SecretResolver['resolve'];
}

export interface KeyStates {
  /** The resolver to make a provider with. */
  resolver(provider: string): SecretResolver['resolve'];
  /** A call failed. */
  failed(provider: string, error: Failure): void;
  state(provider: string, salt: string): Promise<KeyState>;
}

const fingerprintOf = (salt: string | Buffer, key: string): string =>
  createHmac('sha256', salt).update(key).digest('base64url');

export function createKeyStates({ written, resolve }: KeyStatesOptions): KeyStates {
  const own = randomBytes(32);
  /** By provider, as hashes of our own. */
  const used = new Map<string, string>();
  const refused = new Map<string, string>();
  return {
    resolver: (provider) => async (reference) => {
      const key = await resolve(reference);
      used.set(provider, fingerprintOf(own, key));
      return key;
    },
    failed: (provider, { code }) => {
      if (code !== 'provider_auth' && code !== 'provider_quota') return;
      const key = used.get(provider);
      if (key !== undefined) refused.set(provider, key);
    },
    state: async (provider, salt) => {
      const reference = written(provider) ?? '';
      if (reference === '') return { fingerprint: null, refused: false };
      try {
        const key = await resolve(reference);
        return { fingerprint: fingerprintOf(salt, key), refused: refused.get(provider) === fingerprintOf(own, key) };
      } catch {
        // Whoever makes a call is told why there is none; here it is only not another one.
        return { fingerprint: null, refused: false };
      }
    },
  };
}
