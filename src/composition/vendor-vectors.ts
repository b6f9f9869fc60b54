// SPDX-License-Identifier: Apache-2.0
// One call of a provider for vectors: a text too long for the model is cut, and what comes back is checked.

import { failure, SigilError, toFailure } from '../errors.ts';
import type { Embedded, Provider } from '../providers/provider.ts';

/** The least that is left of a text that is too long for a model, in UTF-16 units. */
const SHORTEST = 256;

export interface VectorsWanted {
  /** None of them blank. */
  readonly texts: readonly string[];
  /** As the provider calls it. */
  readonly model: string;
  /** Numbers a vector must have. */
  readonly dimensions: number;
  /** Whether the model is to be told how many: it can give more. */
  readonly tell: boolean;
  readonly signal: AbortSignal;
}

/** The vectors of texts, as the provider gives them. @throws SigilError what the provider throws */
export async function vectorsOf(provider: Provider, wanted: VectorsWanted): Promise<Embedded> {
  const { embed } = provider;
  if (embed === undefined)
    throw wrong(provider, wanted, 'makes no vectors', { about: 'model', for_people: true }, 'provider_bad_request');
  return await fitting(embed.bind(provider), wanted);
}

/** The beginning of a text says most of what it is about. How much of it a model takes only the model knows. */
async function fitting(embed: NonNullable<Provider['embed']>, wanted: VectorsWanted): Promise<Embedded> {
  const { model, dimensions, tell, signal } = wanted;
  const options = { model, signal, ...(tell && { dimensions }) };
  let { texts } = wanted;
  for (;;) {
    try {
      return await embed(texts, options);
    } catch (thrown) {
      const [only, ...others] = texts;
      const half = Math.floor((only?.length ?? 0) / 2);
      // Of several the one that is too long is found out by asking for fewer.
      if (toFailure(thrown).code !== 'provider_too_large' || others.length > 0 || half < SHORTEST) throw thrown;
      texts = [(only ?? '').slice(0, half).toWellFormed()];
    }
  }
}

/**
 * Looks whether vectors are what was asked for. Not under the permit of the call: that went well, and who chats is not to suffer.
 *
 * @throws SigilError `provider_error` for vectors that are too many, too few, of another length or with something in them that
 *   is no number
 */
export function checkVectors(provider: Named, wanted: Omit<VectorsWanted, 'signal'>, { vectors }: Embedded): void {
  const { texts, dimensions, model } = wanted;
  if (vectors.length !== texts.length)
    throw wrong(provider, wanted, `sent ${vectors.length} vectors for ${texts.length} texts`, { about: 'request' });
  const other = vectors.find(({ length }) => length !== dimensions);
  if (other !== undefined) {
    const says =
      `gives ${other.length} numbers in a vector, and storage.vector.dimensions is ${dimensions}. ` +
      `Set it to ${other.length}, or name another model`;
    throw wrong(provider, wanted, says, { about: 'model', for_people: true, dimensions: other.length });
  }
  for (const vector of vectors) {
    const odd = vector.find((value) => !Number.isFinite(value));
    if (odd !== undefined)
      throw wrong(provider, wanted, `sent ${odd} as a part of a vector of ${model}`, { about: 'request' });
  }
}

type Named = Pick<Provider, 'name'>;

function wrong(
  { name }: Named,
  { model }: Pick<VectorsWanted, 'model'>,
  says: string,
  details: Readonly<Record<string, unknown>>,
  code: 'provider_error' | 'provider_bad_request' = 'provider_error',
): SigilError {
  return new SigilError(failure(code, `${name}/${model} ${says}.`, { provider: name, model, ...details }));
}
