// SPDX-License-Identifier: Apache-2.0
// The providers of one thread: each is made, and its vendor's library loaded, when the first call needs it.

import { isDeepStrictEqual } from 'node:util';
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
  /** A call of it is under way: it is not closed before `release` is called, whatever becomes of its entry. */
  hold(provider: Provider): () => void;
  /**
   * Another configuration is in force. One whose entry differs is made anew for its next call; one that has none any more
   * answers the turns that run for as long as those may take, for no other finds the way to it.
   *
   * @param renewed whether a secret of an entry that reads the same leads elsewhere
   * @param linger how long a turn may take, in milliseconds
   */
  follow(providers: ReadonlyMap<string, ProviderEntry>, renewed: (name: string) => boolean, linger: number): void;
  /** Closes the connections of all. */
  close(): void;
}

export function createProviderLoader({ world, resolver, tap, ...options }: ProviderLoaderOptions): ProviderLoader {
  const given = {
    now: world.now,
    monotonic: world.monotonic,
    after: world.after,
    uuid: world.uuid,
    pause: pauseWith(world),
    ...(tap === undefined ? {} : { tap }),
  };
  const entries = new Map(options.providers);
  /** Of those without an entry: calls off their end. */
  const leaving = new Map<string, () => void>();
  const calls = new Map<Provider, number>();
  /** Made of an entry that is no more, and to be closed after their last call. */
  const spent = new Set<Provider>();
  const loaded = new Map<string, Provider>();
  const loading = new Map<string, Promise<Provider>>();
  /** Whoever calls it still goes on to its end. */
  const spend = (provider: Provider): void => {
    if (calls.has(provider)) spent.add(provider);
    else void provider.close();
  };
  const forget = (name: string): void => {
    loading.delete(name);
    const provider = loaded.get(name);
    loaded.delete(name);
    if (provider !== undefined) spend(provider);
  };
  return {
    loaded: (name) => loaded.get(name),
    load: (name) => {
      const known = loading.get(name);
      if (known !== undefined) return known;
      const entry = entries.get(name);
      const made =
        entry === undefined
          ? Promise.reject(new SigilError(failure('provider_unavailable', 'It is not configured.')))
          : createProvider(entry.type, entry.settings, { ...given, resolve: resolver(name) });
      loading.set(name, made);
      made.then(
        (provider) => {
          if (loading.get(name) === made) loaded.set(name, provider);
          // Whoever waited for it calls it first.
          else world.after(0, () => spend(provider));
        },
        // The next call tries again: a failed import may have been a full disk.
        () => loading.get(name) === made && loading.delete(name),
      );
      return made;
    },
    hold: (provider) => {
      calls.set(provider, (calls.get(provider) ?? 0) + 1);
      let holds = true;
      return () => {
        if (!holds) return;
        holds = false;
        const left = (calls.get(provider) ?? 1) - 1;
        if (left > 0) return void calls.set(provider, left);
        calls.delete(provider);
        if (spent.delete(provider)) void provider.close();
      };
    },
    follow: (now, renewed, linger) => {
      for (const [name, entry] of entries) {
        const next = now.get(name);
        if (next === undefined) {
          if (leaving.has(name)) continue;
          const gone = (): void => {
            leaving.delete(name);
            entries.delete(name);
            forget(name);
          };
          leaving.set(name, world.after(linger, gone));
        } else if (renewed(name) || !isDeepStrictEqual(next, entry)) forget(name);
      }
      for (const [name, entry] of now) {
        leaving.get(name)?.();
        leaving.delete(name);
        entries.set(name, entry);
      }
    },
    close: () => {
      for (const stop of leaving.values()) stop();
      for (const provider of [...loaded.values(), ...spent]) void provider.close();
    },
  };
}
