// SPDX-License-Identifier: Apache-2.0
// `POST /v1/embeddings`: texts to vectors, by the built-in model or a vendor's.

import { address } from '../../bus/address.ts';
import { failure, SigilError } from '../../errors.ts';
import { EMBED_MOST } from '../../stores/embedder.ts';
import { STORE_IDS } from '../../stores/protocol.ts';
import { ask } from '../ask.ts';
import { readBody } from '../body.ts';
import type { EdgeContext } from '../context.ts';
import { type Answer, type Exchange, json } from '../exchange.ts';
import { invalid, Refusal } from '../problem.ts';
import { EmbeddingRequest } from './requests.ts';

/** How long it may take, in milliseconds. */
const WITHIN = 60_000;
const BUILT_IN = 'sigil/';
/** A token is taken to be so long, in characters, where nobody counts them. */
const CHARACTERS_PER_TOKEN = 4;
/** Requests under way at once. */
const RUNNING_MOST = 64;
let running = 0;

interface Embedded {
  /** One after the other. */
  readonly vectors: Float32Array;
  readonly dimensions: number;
  readonly input_tokens: number;
}

export async function embeddings(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const body = await readBody(exchange, EmbeddingRequest);
  const { model, encoding_format } = body;
  if (running >= RUNNING_MOST) throw new Refusal('overloaded', `${RUNNING_MOST} requests for vectors are under way.`);
  running += 1;
  try {
    const texts = typeof body.input === 'string' ? [body.input] : body.input;
    const made = model.startsWith(BUILT_IN)
      ? await builtIn(edge, model, texts, body.dimensions ?? null)
      : await byVendor(edge, exchange, model, texts, body.dimensions ?? null);
    const { vectors, dimensions, input_tokens: prompt_tokens } = made;
    return json({
      object: 'list',
      data: texts.map((_, index) => {
        const vector = vectors.subarray(index * dimensions, (index + 1) * dimensions);
        return { object: 'embedding', index, embedding: encoding_format === 'base64' ? packed(vector) : [...vector] };
      }),
      model,
      usage: { prompt_tokens, total_tokens: prompt_tokens },
    });
  } finally {
    running -= 1;
  }
}

/** Little-endian float32, as OpenAI packs them. */
function packed(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [at, value] of vector.entries()) bytes.writeFloatLE(value, at * 4);
  return bytes.toString('base64');
}

async function builtIn(
  { ports: { bus } }: EdgeContext,
  model: string,
  texts: readonly string[],
  wanted: number | null,
): Promise<Embedded> {
  const embedder = address('store', STORE_IDS.embedder);
  const { dimensions } = await ask(bus, embedder, 'pool.model', { model }, WITHIN).catch((thrown: unknown): never => {
    if (thrown instanceof SigilError && thrown.failure.code === 'validation_failed')
      throw new SigilError(failure('not_found', `There is no embedding model ${model.slice(0, 200)}.`));
    throw thrown;
  });
  if (wanted !== null && wanted !== dimensions)
    throw invalid([{ path: 'dimensions', message: `must be ${dimensions}: ${model} gives no others` }]);
  const long = texts.findIndex(({ length }) => length > EMBED_MOST.length);
  if (long !== -1)
    throw invalid([{ path: `input.${long}`, message: `is longer than ${EMBED_MOST.length} characters` }]);
  const vectors = new Float32Array(dimensions * texts.length);
  let done = 0;
  for (const some of portions(texts)) {
    const made = await ask(bus, embedder, 'pool.embed', { model, texts: some }, WITHIN);
    vectors.set(made.vectors, done * dimensions);
    done += some.length;
  }
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  return { vectors, dimensions, input_tokens: Math.ceil(length / CHARACTERS_PER_TOKEN) };
}

/** As many texts as are taken at once. */
function* portions(texts: readonly string[]): Generator<readonly string[]> {
  let some: string[] = [];
  let length = 0;
  for (const text of texts) {
    if (some.length > 0 && (some.length === EMBED_MOST.texts || length + text.length > EMBED_MOST.length)) {
      yield some;
      some = [];
      length = 0;
    }
    some.push(text);
    length += text.length;
  }
  if (some.length > 0) yield some;
}

async function byVendor(
  edge: EdgeContext,
  { caller, requestId }: Exchange,
  model: string,
  texts: readonly string[],
  dimensions: number | null,
): Promise<Embedded> {
  const { bus, threadOf, providers, world } = edge.ports;
  const name = model.slice(0, model.indexOf('/'));
  if (!providers.some((provider) => provider.name === name))
    throw new Refusal('not_found', `There is no provider for the model ${model.slice(0, 200)}; write provider/model.`);
  const { user_id } = caller;
  const id = world.uuid();
  const lane = address('thread', threadOf(address('session', id)));
  const body = { id, user_id, workspace_id: `personal:${user_id}`, model, texts, dimensions, within: WITHIN };
  return await ask(bus, lane, 'thread.embed', body, WITHIN + 5_000, requestId);
}
