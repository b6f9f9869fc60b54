// SPDX-License-Identifier: Apache-2.0
// The providers of one thread: each is made, and its vendor's library loaded, when the first call needs it.

import { failure, SigilError } from '../errors.ts';
import type { Provider } from '../providers/provider.ts';
import { createProvider } from '../providers/registry.ts';
import type { ProviderSettings } from '../providers/settings.ts';
import type { WireTap } from '../providers/wire-tap.ts';
import type { SecretResolver } from '../secrets/resolver.ts';
import type { World } from '../world.ts';
import { pauseWith } from './pause.ts';

/** A configured provider: its type, and what it is made of. */
export interface ProviderEntry {
  readonly type: string;
  readonly settings: ProviderSettings;
}

export interface ProviderLoaderOptions {
  /** By name. */
  readonly providers: ReadonlyMap<string, ProviderEntry>;
  readonly world: Pick<World, 'now' | 'monotonic' | 'after' | 'uuid'>;
  /** What the key of a provider stands for. */
  readonly resolver: (name: string) => SecretResolver['resolve'];
  /** Who looks at what goes over the wire; nobody when it is not given. */
  readonly tap?: WireTap | undefined;
}

export interface ProviderLoader {
  /** One that was loaded before. */
  loaded(name: string): Provider | undefined;
  /** @throws SigilError `provider_unavailable` when it is not configured; else what making it throws */
  load(name: string): Promise<Provider>;
  /** Closes the connections of all. */
  close(): void;
}

export function createProviderLoader({ providers, world, resolver, tap }: ProviderLoaderOptions): ProviderLoader {
  const given = {
    now: world.now,
    monotonic: world.monotonic,
    after: world.after,
    uuid: world.uuid,
    pause: pauseWith(world),
    ...(tap === undefined ? {} : { tap }),
  };
  const loaded = new Map<string, Provider>();
  const loading = new Map<string, Promise<Provider>>();
  return {
    loaded: (name) => loaded.get(name),
    load: (name) => {
      const known = loading.get(name);
      if (known !== undefined) return known;
      const entry = providers.get(name);
      const made =
        entry === undefined
          ? Promise.reject(new SigilError(failure('provider_unavailable', 'It is not configured.')))
          : createProvider(entry.type, entry.settings, { ...given, resolve: resolver(name) });
      loading.set(name, made);
      made.then(
        (provider) => loaded.set(name, provider),
        // The next call tries again: a failed import may have been a full disk.
        () => loading.delete(name),
      );
      return made;
    },
    close: () => {
      for (const provider of loaded.values()) void provider.close();
    },
  };
}
