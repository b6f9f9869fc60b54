// SPDX-License-Identifier: Apache-2.0
// `store/embedder` on the main thread: checks what is asked and hands it to the pool.

import { BUILT_IN_MODELS, builtInModel } from '../embeddings/built-in.ts';
import { type Failure, failure, toFailure } from '../errors.ts';
import { EMBED_MOST, type EmbedderProtocol, type EmbedRequest } from '../stores/embedder.ts';
import type { Request } from '../stores/request.ts';
import type { JobPool } from './pool.ts';

type Asked<T extends keyof EmbedderProtocol> = Request<EmbedderProtocol[T]['body'], EmbedderProtocol[T]['reply']>;

/** What the embedder answers to, over a pool. */
export interface EmbedderHandlers {
  'pool.embed'(request: Asked<'pool.embed'>): void;
  'pool.model'(request: Asked<'pool.model'>): void;
}

export function embedderHandlers(pool: Pick<JobPool, 'run'>): EmbedderHandlers {
  return {
    'pool.embed': (request) => {
      const refused = refusal(request.body);
      if (refused !== undefined) return request.fail(refused);
      pool.run('embed', request.body).then(
        (vectors) => request.reply({ vectors: vectors as Float32Array }),
        (error: unknown) => request.fail(toFailure(error)),
      );
    },
    'pool.model': (request) => {
      const { model } = request.body;
      const known = builtInModel(model);
      if (known === undefined) request.fail(unknownModel(model));
      else request.reply({ name: known.id, dimensions: known.dimensions });
    },
  };
}

function refusal({ model, texts }: EmbedRequest): Failure | undefined {
  if (builtInModel(model) === undefined) return unknownModel(model);
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  if (texts.length <= EMBED_MOST.texts && length <= EMBED_MOST.length) return undefined;
  const says = `${texts.length} texts of ${length} characters are too much at once; the most is ${EMBED_MOST.texts} and ${EMBED_MOST.length}`;
  return failure('payload_too_large', says);
}

function unknownModel(model: string): Failure {
  const says = `there is no embedding model ${model}; there is ${BUILT_IN_MODELS.join(', ')}`;
  return failure('validation_failed', says, { model, known: BUILT_IN_MODELS });
}
