// SPDX-License-Identifier: Apache-2.0
// A provider out of a server that speaks like OpenAI: which of its two interfaces answers, its models, its vectors.

import { z } from 'zod';
import { SigilError } from '../../errors.ts';
import { availabilityOf } from '../availability.ts';
import { eventStream, type VendorSse } from '../event-stream.ts';
import { type Asked, type failureWithin, providerFailure } from '../failures.ts';
import { jsonAnswer, type Timed, timed } from '../json-answer.ts';
import { createModelList, type KnownModel, type ListedModel } from '../model-list.ts';
import type { ChatRequest, Embedded, EmbedOptions, Provider } from '../provider.ts';
import type { ProviderSettings, ProviderWorld } from '../settings.ts';
import { type ReplyReader, streamCall } from '../stream-call.ts';
import { toolNames } from '../tool-names.ts';
import { type ChatDialect, chatBody, chatReader } from './chat-completions.ts';
import { createEndpoint } from './endpoint.ts';
import { responsesBody, responsesReader } from './responses.ts';

/** Names of functions as OpenAI takes them; servers that speak like it take these, and seldom more. */
export const OPENAI_NAMES = { refused: /[^a-zA-Z0-9_-]/g, longest: 64, startsWithLetter: false } as const;

/** How long the list of models may take, in milliseconds. */
const LIST_MS = 10_000;
/** Texts turned into vectors with one request. */
const TEXTS_MOST = 256;

export interface Flavour {
  readonly settings: ProviderSettings;
  readonly world: ProviderWorld;
  /** Base URL, with its version. */
  readonly base: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly dialect: ChatDialect;
  /** Whether it has the Responses interface; `try` finds out with the first call. */
  readonly responses: 'yes' | 'try' | 'no';
  readonly table: readonly KnownModel[];
  /** What an entry of its list tells; undefined for what is no model to talk to. */
  readonly listed: (entry: unknown) => ListedModel | undefined;
}

const List = z.object({ data: z.array(z.unknown()) });
const Vectors = z.object({
  data: z.array(z.object({ index: z.number().int().min(0), embedding: z.array(z.number()).min(1) })),
  usage: z.object({ prompt_tokens: z.number().int().min(0).nullish() }).nullish(),
});

/** Loads the library, which takes its time: only where a provider of this kind is used. */
export async function createOpenAiProvider(flavour: Flavour): Promise<Provider> {
  const { settings, world, base, dialect } = flavour;
  const { name, timeouts } = settings;
  const endpoint = createEndpoint({ ...flavour, sdk: await import('./sdk.ts') });
  let responses = flavour.responses;
  let closed = false;

  const once = (asked: Asked, within: number, signal?: AbortSignal): Timed => ({
    asked,
    within,
    after: world.after,
    signal,
    failureOf: (thrown) => endpoint.failureOf(asked, thrown),
  });

  const list = createModelList({
    name,
    table: flavour.table,
    now: world.now,
    live: () =>
      timed(once({ provider: name }, LIST_MS), async (signal) => {
        const { data } = await jsonAnswer(await endpoint.get('/models', signal), List, { provider: name });
        return data.flatMap((entry) => flavour.listed(entry) ?? []);
      }),
  });

  const chat = (request: ChatRequest, signal: AbortSignal): ReturnType<Provider['chat']> => {
    const asked: Asked = { provider: name, model: request.model };
    const names = toolNames(
      request.tools.map((tool) => tool.name),
      OPENAI_NAMES,
    );
    let reader: ReplyReader<VendorSse> | undefined;
    const viaChat = async (inner: AbortSignal): Promise<Response> => {
      reader = chatReader(asked, request, names, world.uuid);
      return await endpoint.post('/chat/completions', chatBody(request, dialect, names), inner);
    };
    const viaResponses = async (inner: AbortSignal): Promise<Response> => {
      reader = responsesReader(asked, request, names, world.uuid);
      const response = await endpoint.post('/responses', responsesBody(request, names), inner);
      responses = 'yes';
      return response;
    };
    const open = async (inner: AbortSignal): Promise<Response> => {
      // Only the older interface can be told where to stop, and with which seed.
      const { stopSequences = [], seed } = request.options;
      if (responses === 'no' || stopSequences.length > 0 || seed !== undefined) return await viaChat(inner);
      if (responses === 'yes') return await viaResponses(inner);
      try {
        return await viaResponses(inner);
      } catch (thrown) {
        if (!isMissing(endpoint.failureOf(asked, thrown))) throw thrown;
        const response = await viaChat(inner);
        responses = 'no';
        return response;
      }
    };
    return streamCall<VendorSse>(
      {
        asked,
        timeouts,
        after: world.after,
        monotonic: world.monotonic,
        open: async (inner) => await eventStream(await open(inner), asked),
        reader: { read: (event) => reader?.read(event) ?? [], close: () => reader?.close() ?? [] },
        failureOf: (thrown) => endpoint.failureOf(asked, thrown),
      },
      signal,
    );
  };

  const embedSome = async (
    texts: readonly string[],
    { model, dimensions, signal }: EmbedOptions,
  ): Promise<Embedded> => {
    const asked: Asked = { provider: name, model };
    const body = { model, input: texts, encoding_format: 'float', ...(dimensions !== undefined && { dimensions }) };
    return await timed(once(asked, timeouts.first_event, signal), async (inner) => {
      const { data, usage } = await jsonAnswer(await endpoint.post('/embeddings', body, inner), Vectors, asked);
      const vectors = data
        .toSorted((one, other) => one.index - other.index)
        .map(({ embedding }) => Float32Array.from(embedding));
      const length = vectors[0]?.length;
      if (vectors.length !== texts.length || vectors.some((vector) => vector.length !== length)) {
        const message = `${name} sent ${vectors.length} vectors, or vectors of several lengths, for ${texts.length} texts.`;
        throw new SigilError(providerFailure('provider_error', asked, message));
      }
      return { vectors, inputTokens: usage?.prompt_tokens ?? 0 };
    });
  };

  return {
    name,
    available: () => !closed,
    listModels: list.read,
    listProblem: list.problem,
    chat: (request, { signal }) => chat(request, signal),
    embed: async (texts, options) => {
      const vectors: Float32Array[] = [];
      let inputTokens = 0;
      for (let at = 0; at < texts.length; at += TEXTS_MOST) {
        const some = await embedSome(texts.slice(at, at + TEXTS_MOST), options);
        vectors.push(...some.vectors);
        inputTokens += some.inputTokens;
      }
      return { vectors, inputTokens };
    },
    forgetKey: endpoint.forgetKey,
    status: () => availabilityOf(name, base, closed, list.problem()),
    close: async () => {
      closed = true;
      endpoint.close();
    },
  };
}

/** Whether a refusal says that there is no such interface, and not that there is no such model. */
function isMissing(error: ReturnType<typeof failureWithin>): boolean {
  const status = error?.details?.['status'];
  return (status === 404 || status === 405 || status === 501) && error?.code !== 'provider_model_unknown';
}
