// SPDX-License-Identifier: Apache-2.0
// The types of provider there are. Each is loaded when the first of its type is made, so an unused one costs nothing.

import { failure, SigilError } from '../errors.ts';
import type { Provider } from './provider.ts';

/** What providers are given by composition. */
export interface ProviderWorld {
  /** Resolves after `ms`, or sooner when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

interface ProviderType {
  /** Its models as they are known without a network, by their id. */
  readonly models: readonly string[];
  /** Whether a model that is not in the list may exist all the same. */
  readonly anyModel: boolean;
  readonly create: (world: ProviderWorld) => Promise<Provider>;
}

const TYPES = {
  sigil: {
    models: ['offline'],
    anyModel: false,
    create: async ({ pause }) => (await import('./sigil.ts')).createSigilProvider({ pause }),
  },
} as const satisfies Record<string, ProviderType>;

/** The name of a type of provider, as `providers.*.type` has it. */
export type ProviderTypeName = keyof typeof TYPES;

export const PROVIDER_TYPES = Object.keys(TYPES) as readonly ProviderTypeName[];

export function isProviderType(type: string): type is ProviderTypeName {
  return Object.hasOwn(TYPES, type);
}

/** The built-in table: ids of a type's models without loading it; none for a type that does not exist. */
export function knownModels(type: string): { readonly models: readonly string[]; readonly any_model: boolean } {
  return isProviderType(type)
    ? { models: TYPES[type].models, any_model: TYPES[type].anyModel }
    : { models: [], any_model: false };
}

/**
 * Makes a provider.
 *
 * @throws SigilError `validation_failed` for a type that does not exist, naming those that do.
 */
export async function createProvider(type: string, world: ProviderWorld): Promise<Provider> {
  if (isProviderType(type)) return TYPES[type].create(world);
  const message = `There is no provider type "${type}". Known types: ${PROVIDER_TYPES.join(', ')}.`;
  throw new SigilError(failure('validation_failed', message, { errors: [{ path: 'type', message }] }));
}
