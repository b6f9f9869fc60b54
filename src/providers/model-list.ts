// SPDX-License-Identifier: Apache-2.0
// The models of a provider: those we know, and those the vendor says it has now.

import type { World } from '../world.ts';
import { failureWithin, reasonOf } from './failures.ts';
import type { ModelInfo } from './provider.ts';

/** A model of a built-in table; whose it is its provider's name says. */
export type KnownModel = Omit<ModelInfo, 'provider'>;

/** A model of a vendor's list, as far as the list tells. */
export interface ListedModel {
  readonly id: string;
  readonly name?: string | undefined;
  readonly capabilities?: Partial<ModelInfo['capabilities']> | undefined;
  readonly price?: ModelInfo['price'] | undefined;
}

/** What is taken of a model that nobody tells anything about: little enough to work nearly everywhere. */
export const UNKNOWN_CAPABILITIES: ModelInfo['capabilities'] = {
  tools: true,
  vision: false,
  streaming: true,
  thinking: false,
  maxContextTokens: 32_768,
  maxOutputTokens: 4_096,
};

/** How long a list is good, and how long none is asked for after one that failed, in milliseconds. */
const GOOD_MS = 5 * 60_000;
const FAILED_MS = 30_000;
/** Models taken from a list, and characters of an id. */
const MODELS_MOST = 5_000;
const ID_MOST = 256;

export interface ModelListOptions {
  /** The provider's name. */
  readonly name: string;
  readonly table: readonly KnownModel[];
  /** Asks the vendor; rejects when it cannot be asked. */
  readonly live: () => Promise<readonly ListedModel[]>;
  readonly now: World['now'];
}

export interface ModelList {
  /** {@link Provider.listModels}: asked at once by many, the vendor is asked once. */
  readonly read: () => Promise<readonly ModelInfo[]>;
  /** Why the vendor's list could not be had the last time; undefined when it was, or was not asked for yet. */
  readonly problem: () => string | undefined;
}

export function createModelList({ name, table, live, now }: ModelListOptions): ModelList {
  const known = table.map((model): ModelInfo => ({ ...model, provider: name }));
  let listed: readonly ModelInfo[] = known;
  let until = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;
  let problem: string | undefined;
  const ask = async (): Promise<void> => {
    try {
      listed = merged(name, known, await live());
      until = now() + GOOD_MS;
      problem = undefined;
    } catch (thrown) {
      // What is known stays known.
      problem = failureWithin(thrown)?.message ?? reasonOf(thrown);
      until = now() + FAILED_MS;
    } finally {
      asking = undefined;
    }
  };
  return {
    read: async () => {
      if (now() >= until) {
        asking ??= ask();
        await asking;
      }
      return listed;
    },
    problem: () => problem,
  };
}

function merged(name: string, known: readonly ModelInfo[], live: readonly ListedModel[]): readonly ModelInfo[] {
  const models = new Map(known.map((model) => [model.id, model]));
  for (const { id, name: called, capabilities = {}, price } of live.slice(0, MODELS_MOST)) {
    if (id === '' || id.length > ID_MOST) continue;
    const before = models.get(id);
    models.set(id, {
      id,
      name: called ?? before?.name ?? id,
      provider: name,
      capabilities: { ...(before?.capabilities ?? UNKNOWN_CAPABILITIES), ...capabilities },
      ...(price === undefined ? {} : { price }),
    });
  }
  return [...models.values()];
}

/** A model as a table has it that takes tools and pictures and streams, as all in these tables do. Sizes in tokens. */
export const knownModel = (
  id: string,
  name: string,
  context: number,
  output: number,
  thinking: boolean,
): KnownModel => ({
  id,
  name,
  capabilities: {
    tools: true,
    vision: true,
    streaming: true,
    thinking,
    maxContextTokens: context,
    maxOutputTokens: output,
  },
});
