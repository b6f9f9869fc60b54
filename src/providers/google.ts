// SPDX-License-Identifier: Apache-2.0
// The provider type `google`: Gemini through Google's SDK, which builds and sends; the stream is read by ourselves.

import type { HttpOptions, Models } from '@google/genai';
import { z } from 'zod';
import { SigilError } from '../errors.ts';
import { availabilityOf } from './availability.ts';
import { baseUrl } from './base-url.ts';
import { eventStream, type VendorSse } from './event-stream.ts';
import { type Asked, excerpt, providerFailure } from './failures.ts';
import { geminiFailure } from './google/failures.ts';
import { type KeptParts, partsSize } from './google/kept-parts.ts';
import { GEMINI_MODELS } from './google/models.ts';
import { createGeminiReader } from './google/reader.ts';
import { GEMINI_NAMES, geminiParameters } from './google/request.ts';
import { EmbeddedText, ListedModel as GeminiListed } from './google/wire.ts';
import { timed } from './json-answer.ts';
import { createKeptReplies } from './kept-replies.ts';
import { createProviderKey } from './key.ts';
import { createModelList, type ListedModel } from './model-list.ts';
import type { ChatEvent, ChatRequest, Embedded, EmbedOptions, Provider } from './provider.ts';
import type { ProviderSettings, ProviderWorld } from './settings.ts';
import { streamCall } from './stream-call.ts';
import { toolNames } from './tool-names.ts';
import { createTransport, type Transport } from './transport.ts';

const ENDPOINT = 'https://generativelanguage.googleapis.com';
const VERSION = 'v1beta';
/** Replies with signatures kept for their turns, and their characters. */
const KEPT_MOST = 1_000;
const KEPT_SIZE = 16 * 1_048_576;
/** Models on the list, and how long it may take in milliseconds; the vendor has some dozens. */
const LISTED_MOST = 1_000;
const LIST_MS = 10_000;
/** Texts the API takes at once. */
const EMBEDDED_MOST = 100;
const CHARACTERS_PER_TOKEN = 4;
/** Sent where there is none. */
const NO_KEY = 'none';

type Sdk = typeof import('@google/genai');

/** A model that answers chats; undefined for those that only draw, speak or embed. */
function listed(model: z.output<typeof GeminiListed>): ListedModel | undefined {
  const id = model.name?.replace(/^models\//, '') ?? '';
  if (model.supportedActions?.includes('generateContent') !== true) return undefined;
  const { inputTokenLimit: input, outputTokenLimit: output, thinking } = model;
  return {
    id,
    name: model.displayName ?? undefined,
    capabilities: {
      vision: true,
      ...(typeof thinking === 'boolean' && { thinking }),
      ...(input && { maxContextTokens: input }),
      ...(output && { maxOutputTokens: output }),
    },
  };
}

/** Vectors of length 1, as the API gives them only in full length. */
function unit(values: readonly number[]): Float32Array {
  const length = Math.hypot(...values);
  return Float32Array.from(values, (value) => (length === 0 ? 0 : value / length));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Loads the SDK, so only where a provider of this type is used. */
export async function createGoogleProvider(settings: ProviderSettings, world: ProviderWorld): Promise<Provider> {
  const sdk = await import('@google/genai');
  return provide(sdk, settings, world);
}

function provide(sdk: Sdk, { name, api_key, endpoint, timeouts }: ProviderSettings, world: ProviderWorld): Provider {
  const { now, monotonic, after } = world;
  const key = createProviderKey(api_key, world.resolve, now);
  const transport = createTransport({ provider: name, connect: timeouts.connect, after, tap: world.tap });
  const kept = createKeptReplies<KeptParts>(KEPT_MOST, KEPT_SIZE, partsSize);
  // The SDK adds the version itself; people write it as well.
  const base = baseUrl(endpoint, ENDPOINT).replace(/\/v1beta$/, '');
  let closed = false;

  let made: { readonly apiKey: string; readonly models: Models } | undefined;

  const client = async (signal: AbortSignal): Promise<Models> => {
    // Without one the SDK would look for it in the environment.
    const apiKey = (await key.read(signal)) ?? NO_KEY;
    if (made?.apiKey === apiKey) return made.models;
    const httpOptions = { baseUrl: base };
    const { models } = new sdk.GoogleGenAI({ apiKey, vertexai: false, apiVersion: VERSION, httpOptions });
    made = { apiKey, models };
    return models;
  };

  /** The transport's answers; the SDK makes a text of what is none, and the headers are gone. */
  const fetching = (asked: Asked): Transport['fetch'] => {
    return async (input, init) => {
      const response = await transport.fetch(input, init);
      if (response.ok) return response;
      const { status, headers } = response;
      const failure = geminiFailure(asked, { status, headers, body: parsed(await response.text()) }, now());
      if (failure.code === 'provider_auth') key.forget();
      throw new SigilError(failure);
    };
  };

  const chat = (request: ChatRequest, signal: AbortSignal): AsyncIterable<readonly ChatEvent[]> => {
    const asked = { provider: name, model: request.model };
    const names = toolNames(
      request.tools.map((tool) => tool.name),
      GEMINI_NAMES,
    );
    let headers = new Headers();
    const open = async (control: AbortSignal): Promise<AsyncIterable<readonly VendorSse[]>> => {
      const send = fetching(asked);
      let answer: Response | undefined;
      const fetch: Transport['fetch'] = async (input, init) => {
        answer = await send(input, init);
        ({ headers } = answer);
        // The SDK's own reader makes a response of every event and leaves the connection open when it is left.
        return new Response('', { headers });
      };
      const { config, ...parameters } = geminiParameters(request, { names, kept: kept.of });
      const models = await client(control);
      const transported = { abortSignal: control, httpOptions: { fetch } };
      await models.generateContentStream({ ...parameters, config: { ...config, ...transported } });
      if (answer === undefined) throw new Error('the SDK sent nothing');
      return await eventStream(answer, asked);
    };
    const reader = createGeminiReader({
      asked,
      ours: names.ours,
      keep: (callId, parts) => kept.keep(callId, { model: request.model, parts }),
      headers: () => headers,
      now,
      newId: () => `call_${world.uuid()}`,
    });
    return streamCall({ asked, timeouts, after, monotonic, open, reader, failureOf: () => undefined }, signal);
  };

  /** One answer in one piece. */
  const once = async <Result>(
    { asked, within, signal }: { readonly asked: Asked; readonly within: number; readonly signal?: AbortSignal },
    run: (models: Models, config: { abortSignal: AbortSignal; httpOptions: HttpOptions }) => Promise<Result>,
  ): Promise<Result> =>
    await timed({ asked, within, after, signal, failureOf: () => undefined }, async (abortSignal) =>
      run(await client(abortSignal), { abortSignal, httpOptions: { fetch: fetching(asked) } }),
    );

  const list = createModelList({
    name,
    table: GEMINI_MODELS,
    now,
    live: () =>
      once({ asked: { provider: name }, within: LIST_MS }, async (models, config) => {
        const { page } = await models.list({ config: { ...config, pageSize: LISTED_MOST } });
        return z
          .array(GeminiListed)
          .parse(page)
          .flatMap((model) => listed(model) ?? []);
      }),
  });

  const embed = async (texts: readonly string[], { model, dimensions, signal }: EmbedOptions): Promise<Embedded> => {
    const vectors: Float32Array[] = [];
    const asked = { provider: name, model };
    for (let at = 0; at < texts.length; at += EMBEDDED_MOST) {
      // Each as a content of its own: newer models make one vector of texts that come in one.
      const contents = texts.slice(at, at + EMBEDDED_MOST).map((text) => ({ parts: [{ text }] }));
      const made = await once({ asked, within: timeouts.first_event, signal }, async (models, config) => {
        const sized = { ...config, ...(dimensions !== undefined && { outputDimensionality: dimensions }) };
        const { embeddings } = await models.embedContent({ model, contents, config: sized });
        const { success, data, error } = z.array(EmbeddedText).safeParse(embeddings ?? []);
        if (success) return data.map(({ values }) => unit(values));
        const message = `${name} sent what are no vectors (${excerpt(error.message)}).`;
        throw new SigilError(providerFailure('provider_error', asked, message));
      });
      if (made.length !== contents.length || made.some(({ length }) => length === 0)) {
        const message = `${name} made ${made.length} vectors of ${contents.length} texts.`;
        throw new SigilError(providerFailure('provider_error', asked, message));
      }
      vectors.push(...made);
    }
    // The API counts nothing here.
    const characters = texts.reduce((sum, { length }) => sum + length, 0);
    return { vectors, inputTokens: Math.ceil(characters / CHARACTERS_PER_TOKEN) };
  };

  return {
    name,
    available: () => !closed,
    listModels: list.read,
    listProblem: list.problem,
    chat: (request, { signal }) => chat(request, signal),
    embed,
    forgetKey: key.forget,
    status: () => availabilityOf(name, base, closed, list.problem()),
    close: async () => {
      closed = true;
      transport.close();
    },
  };
}
