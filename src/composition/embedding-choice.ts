// SPDX-License-Identifier: Apache-2.0
// The embedding model the config names: whose it is, how long its vectors are, and whether it can run at all.

import type { Config } from '../config/schema.ts';
import { BUILT_IN_MODELS } from '../embeddings/model-list.ts';
import { embeddingTraits } from '../providers/embedding-models.ts';
import { withoutEmbeddings } from '../providers/registry.ts';
import type { VectorModel } from '../stores/vector-store.ts';
import { listsPrices, providerTypes } from './config-scopes.ts';

export type EmbeddingChoice =
  | { readonly kind: 'off' }
  /** Computed here, or asked of a vendor. */
  | { readonly kind: 'built_in' | 'vendor'; readonly model: VectorModel }
  /** It cannot run, and nothing is embedded. */
  | { readonly kind: 'refused'; readonly what: string; readonly message: string; readonly advice: string };

/** The largest vectors an index takes: what `vec0` does. */
const DIMENSIONS_MOST = 8_192;

const MODEL = 'sessions.memory.embeddings.model';
const DIMENSIONS = 'storage.vector.dimensions';

export function embeddingChoice(config: Config): EmbeddingChoice {
  const { enabled, model: name } = config.sessions.memory.embeddings;
  const { dimensions } = config.storage.vector;
  if (!enabled) return { kind: 'off' };
  if (dimensions > DIMENSIONS_MOST) {
    const says = `${DIMENSIONS} is ${dimensions}, and an index takes at most ${DIMENSIONS_MOST} numbers in a vector.`;
    return { kind: 'refused', what: DIMENSIONS, message: says, advice: `Set it to ${DIMENSIONS_MOST} or less.` };
  }
  const built_in = BUILT_IN_MODELS.get(name);
  if (built_in !== undefined) return sized('built_in', name, dimensions, built_in, undefined);
  const slash = name.indexOf('/');
  const provider = name.slice(0, slash);
  const type = providerTypes(config).get(provider);
  const known = [...BUILT_IN_MODELS.keys()].join(', ');
  const refused = (message: string, advice: string): EmbeddingChoice => ({
    kind: 'refused',
    what: MODEL,
    message,
    advice,
  });
  if (provider === 'sigil')
    return refused(`There is no embedding model ${name}.`, `The one that is built in is ${known}.`);
  if (type === undefined) {
    const says = `The embedding model ${name} cannot be used: its provider ${provider} is not configured, or is left out.`;
    return refused(says, `Configure providers.${provider}, or use ${known}.`);
  }
  if (withoutEmbeddings(type)) {
    const says = `The embedding model ${name} cannot be used: a provider of type ${type} has no embeddings.`;
    return refused(says, `Name a model of another provider, or ${known}.`);
  }
  const traits = embeddingTraits(type, name.slice(slash + 1));
  if (traits === undefined) return { kind: 'vendor', model: { name, dimensions } };
  return sized('vendor', name, dimensions, traits.dimensions, traits.fewest);
}

/** Whether a model whose vectors are so long, or may be so short, gives vectors of the length that is configured. */
function sized(
  kind: 'built_in' | 'vendor',
  name: string,
  dimensions: number,
  whole: number,
  fewest: number | undefined,
): EmbeddingChoice {
  if (dimensions === whole || (fewest !== undefined && dimensions >= fewest && dimensions <= whole))
    return { kind, model: { name, dimensions } };
  const range = fewest === undefined ? `${whole} numbers in a vector` : `${fewest} to ${whole} numbers in a vector`;
  const message = `${name} gives ${range}, and ${DIMENSIONS} is ${dimensions}: nothing is embedded.`;
  return {
    kind: 'refused',
    what: DIMENSIONS,
    message,
    advice: `Set ${DIMENSIONS} to ${whole}, or choose another model.`,
  };
}

/** Whether a model, written `provider/model`, makes vectors and answers no chats: the one that is configured, and those that are known. */
export function embeddingModels(config: Config): (model: string) => boolean {
  const configured = config.sessions.memory.embeddings.model;
  const types = providerTypes(config);
  return (model) => {
    if (model === configured) return true;
    const slash = model.indexOf('/');
    const name = model.slice(0, slash);
    return embeddingTraits(types.get(name) ?? name, model.slice(slash + 1)) !== undefined;
  };
}

/** Whether anything is asked of vendors outside of turns, so that the thread for that is needed. */
export function asksVendors(config: Config): boolean {
  return embeddingChoice(config).kind === 'vendor' || listsPrices(config);
}
