// SPDX-License-Identifier: Apache-2.0
// `store/embedder` on the main thread: checks what is asked and hands it to the pool.

import { address } from '../bus/address.ts';
import { BUILT_IN_MODELS } from '../embeddings/model-list.ts';
import { type Failure, failure, toFailure } from '../errors.ts';
import { EMBED_MOST, type EmbedderProtocol, type EmbedRequest } from '../stores/embedder.ts';
import { STORE_IDS } from '../stores/protocol.ts';
import type { Request } from '../stores/request.ts';
import { bindHandlers } from './bind.ts';
import type { ThreadContext } from './context.ts';
import { JobPool } from './pool.ts';
import { scanHandlers } from './scan-pool.ts';

/** Workers at most: embedding has time, and the cores are the lanes'. */
const POOL_THREADS = 2;

type Asked<T extends keyof EmbedderProtocol> = Request<EmbedderProtocol[T]['body'], EmbedderProtocol[T]['reply']>;

/** What the embedder answers to, over a pool. */
export interface EmbedderHandlers {
  'pool.embed'(request: Asked<'pool.embed'>): void;
  'pool.model'(request: Asked<'pool.model'>): void;
}

/** Hosts `store/embedder` over a pool that begins with its first job; what it gives back ends that. */
export function hostEmbedder(context: ThreadContext, entry: URL): JobPool {
  const pool = new JobPool({ entry, world: context.world, threads: POOL_THREADS });
  context.bus.host(
    'store',
    bindHandlers(context, address('store', STORE_IDS.embedder), { ...embedderHandlers(pool), ...scanHandlers(pool) }),
  );
  return pool;
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
      const dimensions = BUILT_IN_MODELS.get(model);
      if (dimensions === undefined) request.fail(unknownModel(model));
      else request.reply({ name: model, dimensions });
    },
  };
}

function refusal({ model, texts }: EmbedRequest): Failure | undefined {
  if (!BUILT_IN_MODELS.has(model)) return unknownModel(model);
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  if (texts.length <= EMBED_MOST.texts && length <= EMBED_MOST.length) return undefined;
  const says = `${texts.length} texts of ${length} characters are too much at once; the most is ${EMBED_MOST.texts} and ${EMBED_MOST.length}`;
  return failure('payload_too_large', says);
}

function unknownModel(model: string): Failure {
  const known = [...BUILT_IN_MODELS.keys()];
  const says = `there is no embedding model ${model}; there is ${known.join(', ')}`;
  return failure('validation_failed', says, { model, known });
}
