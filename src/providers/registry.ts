// SPDX-License-Identifier: Apache-2.0
// The types of provider there are. Each is loaded when the first of its type is made, so an unused one costs nothing.

import { failure, SigilError } from '../errors.ts';
import { CLAUDE_MODELS } from './anthropic/models.ts';
import { GEMINI_MODELS } from './google/models.ts';
import { type KnownModel, UNKNOWN_CAPABILITIES } from './model-list.ts';
import { OPENAI_MODELS } from './openai/models.ts';
import { OPENROUTER_MODELS } from './openrouter/models.ts';
import type { ModelInfo, Provider } from './provider.ts';
import type { ProviderSettings, ProviderWorld } from './settings.ts';
import { OFFLINE_MODEL } from './sigil/model.ts';

interface ProviderType {
  /** Its models as they are known without a network. */
  readonly models: readonly KnownModel[];
  /** Whether a model that is not in the list may exist all the same. */
  readonly anyModel: boolean;
  /** The model of a provider that nobody has chosen one for; none where that depends on its server. */
  readonly defaultModel?: string;
  /** The variable that usually holds its key; none where it works without. */
  readonly keyVariable?: string;
  /** It cannot turn texts into vectors. */
  readonly noEmbeddings?: true;
  /** It has no address of its own: its entry must have an `endpoint`. */
  readonly endpointNeeded?: true;
  readonly create: (settings: ProviderSettings, world: ProviderWorld) => Promise<Provider>;
}

const TYPES = {
  sigil: {
    models: [OFFLINE_MODEL],
    anyModel: false,
    noEmbeddings: true,
    defaultModel: 'offline',
    create: async (_settings, { pause }) => (await import('./sigil.ts')).createSigilProvider({ pause }),
  },
  anthropic: {
    models: CLAUDE_MODELS,
    anyModel: true,
    noEmbeddings: true,
    defaultModel: 'claude-sonnet-5-5',
    keyVariable: 'ANTHROPIC_API_KEY',
    create: async (settings, world) => (await import('./anthropic.ts')).createAnthropicProvider(settings, world),
  },
  openai: {
    models: OPENAI_MODELS,
    anyModel: true,
    defaultModel: 'gpt-5',
    keyVariable: 'OPENAI_API_KEY',
    create: async (settings, world) => (await import('./openai.ts')).createOpenAi(settings, world),
  },
  google: {
    models: GEMINI_MODELS,
    anyModel: true,
    defaultModel: 'gemini-flash-latest',
    keyVariable: 'GEMINI_API_KEY',
    create: async (settings, world) => (await import('./google.ts')).createGoogleProvider(settings, world),
  },
  openrouter: {
    models: OPENROUTER_MODELS,
    anyModel: true,
    defaultModel: 'openrouter/auto',
    keyVariable: 'OPENROUTER_API_KEY',
    create: async (settings, world) => (await import('./openrouter.ts')).createOpenRouter(settings, world),
  },
  'openai-compatible': {
    models: [],
    anyModel: true,
    endpointNeeded: true,
    create: async (settings, world) => (await import('./openai-compatible.ts')).createOpenAiCompatible(settings, world),
  },
  ollama: {
    models: [],
    anyModel: true,
    create: async (settings, world) => {
      const { createOpenAiCompatible, OLLAMA } = await import('./openai-compatible.ts');
      return createOpenAiCompatible(settings, world, OLLAMA);
    },
  },
} as const satisfies Record<string, ProviderType>;

/** The name of a type of provider, as `providers.*.type` has it. */
export type ProviderTypeName = keyof typeof TYPES;

export const PROVIDER_TYPES = Object.keys(TYPES) as readonly ProviderTypeName[];

export function isProviderType(type: string): type is ProviderTypeName {
  return Object.hasOwn(TYPES, type);
}

function typeOf(type: string): ProviderType | undefined {
  return isProviderType(type) ? TYPES[type] : undefined;
}

/** The variables that usually hold the keys of those types that cannot work without one. */
export const KEY_VARIABLES: Readonly<Record<string, string>> = Object.fromEntries(
  PROVIDER_TYPES.flatMap((type) => {
    const variable = typeOf(type)?.keyVariable;
    return variable === undefined ? [] : [[type, variable]];
  }),
);

/** The types whose entries must say where their server is. */
export const WITHOUT_ADDRESS: readonly string[] = PROVIDER_TYPES.filter(
  (type) => typeOf(type)?.endpointNeeded === true,
);

/** Whether no provider of this type turns texts into vectors. */
export function withoutEmbeddings(type: string): boolean {
  return typeOf(type)?.noEmbeddings === true;
}

/** The built-in table: ids of a type's models without loading it; none for a type that does not exist. */
export function knownModels(type: string): { readonly models: readonly string[]; readonly any_model: boolean } {
  const known = typeOf(type);
  return known === undefined
    ? { models: [], any_model: false }
    : { models: known.models.map(({ id }) => id), any_model: known.anyModel };
}

/** The same with all that is known of each, as a provider of this name has them. */
export function builtInModels(type: string, provider: string): readonly ModelInfo[] {
  return (typeOf(type)?.models ?? []).map((model) => ({ ...model, provider }));
}

/** What a model can do as far as the built-in table tells; for one that is not in it, what nearly every model can. */
export function knownCapabilities(type: string, model: string): ModelInfo['capabilities'] {
  return typeOf(type)?.models.find(({ id }) => id === model)?.capabilities ?? UNKNOWN_CAPABILITIES;
}

/** The model of a type that nobody has chosen one of. */
export function defaultModel(type: string): string | undefined {
  return typeOf(type)?.defaultModel;
}

/**
 * Makes a provider.
 *
 * @throws SigilError `validation_failed` for a type that does not exist, naming those that do, and for settings it cannot
 * work with
 */
export async function createProvider(
  type: string,
  settings: ProviderSettings,
  world: ProviderWorld,
): Promise<Provider> {
  const known = typeOf(type);
  if (known !== undefined) return await known.create(settings, world);
  const message = `There is no provider type "${type}". Known types: ${PROVIDER_TYPES.join(', ')}.`;
  throw new SigilError(failure('validation_failed', message, { errors: [{ path: 'type', message }] }));
}
