// SPDX-License-Identifier: Apache-2.0
// What a provider is made of: its entry of the configuration, and the world it is given.

import type { SecretResolver } from '../secrets/resolver.ts';
import type { World } from '../world.ts';
import type { ProviderTimeouts } from './provider.ts';
import type { WireTap } from './wire-tap.ts';

/** One entry of `providers`. */
export interface ProviderSettings {
  /** The entry's name: what models are called by before the `/`. */
  readonly name: string;
  /** As the configuration has it: the key itself, or a reference to where it is kept. */
  readonly api_key?: string | undefined;
  /** Base URL; undefined: the vendor's own. */
  readonly endpoint?: string | undefined;
  readonly timeouts: ProviderTimeouts;
}

/** What providers are given by composition. */
export interface ProviderWorld extends Pick<World, 'now' | 'monotonic' | 'after' | 'uuid'> {
  /** Resolves after `ms`, or sooner when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** The text a secret stands for. */
  readonly resolve: SecretResolver['resolve'];
  /** Who looks at what is sent and comes, if anybody does. */
  readonly tap?: Pick<WireTap, 'exchange'>;
}
