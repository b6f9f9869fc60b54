// SPDX-License-Identifier: Apache-2.0
// The provider type `anthropic`: Claude through Anthropic's SDK, which builds and sends; the stream is read by ourselves.

import type { Anthropic } from '@anthropic-ai/sdk';
import { z } from 'zod';
import type { Failure } from '../errors.ts';
import { claudeFailure } from './anthropic/failures.ts';
import { type KeptReply, keptSize } from './anthropic/kept-reply.ts';
import { CLAUDE_MODELS, claudeModel } from './anthropic/models.ts';
import { createClaudeReader } from './anthropic/reader.ts';
import { CLAUDE_NAMES, claudeBody } from './anthropic/request.ts';
import { ListedModel as ClaudeListed } from './anthropic/wire.ts';
import { availabilityOf } from './availability.ts';
import { baseUrl } from './base-url.ts';
import { eventStream, type VendorSse } from './event-stream.ts';
import type { Asked } from './failures.ts';
import { timed } from './json-answer.ts';
import { createKeptReplies } from './kept-replies.ts';
import { createProviderKey } from './key.ts';
import { createModelList, type ListedModel } from './model-list.ts';
import type { ChatEvent, ChatRequest, Provider } from './provider.ts';
import type { ProviderSettings, ProviderWorld } from './settings.ts';
import { streamCall } from './stream-call.ts';
import { toolNames } from './tool-names.ts';
import { createTransport, type Transport } from './transport.ts';

const ENDPOINT = 'https://api.anthropic.com';
/** Replies with signed thinking kept for their turns, and their characters. */
const KEPT_MOST = 1_000;
const KEPT_SIZE = 16 * 1_048_576;
/** Models asked for at once, and how long that may take in milliseconds; the vendor has some dozens. */
const LISTED_MOST = 1_000;
const LIST_MS = 10_000;
/** The SDK's own limit would end a long answer; how long is waited for what is decided here. */
const NO_LIMIT_MS = 2_147_483_647;

type Sdk = typeof import('@anthropic-ai/sdk');

/** A model of the list, with its gaps filled from the table where it is a dated one of it. */
function listed(model: z.output<typeof ClaudeListed>): ListedModel {
  const known = claudeModel(model.id);
  const { capabilities: can, max_input_tokens: input, max_tokens: output } = model;
  return {
    id: model.id,
    name: model.display_name ?? known?.name,
    capabilities: {
      ...(known?.capabilities ?? { vision: true }),
      ...(can?.image_input && { vision: can.image_input.supported }),
      ...(can?.thinking && { thinking: can.thinking.supported }),
      ...(input && { maxContextTokens: input }),
      ...(output && { maxOutputTokens: output }),
    },
  };
}

/**
 * What the transport throws, as the SDK's cause of a cause: it takes words such as ETIMEDOUT in an error or its cause for a
 * limit of its own, and then throws an error without either.
 */
function wrapped(fetch: Transport['fetch']): Transport['fetch'] {
  return async (input, init) => {
    try {
      return await fetch(input, init);
    } catch (thrown) {
      throw new Error('no answer', { cause: new Error('no answer', { cause: thrown }) });
    }
  };
}

/** Loads the SDK: a hundred milliseconds, so only where a provider of this type is used. */
export async function createAnthropicProvider(settings: ProviderSettings, world: ProviderWorld): Promise<Provider> {
  const sdk = await import('@anthropic-ai/sdk');
  return provide(sdk, settings, world);
}

function provide(sdk: Sdk, { name, api_key, endpoint, timeouts }: ProviderSettings, world: ProviderWorld): Provider {
  const { now, monotonic, after } = world;
  const key = createProviderKey(api_key, world.resolve, now);
  const transport = createTransport({ provider: name, connect: timeouts.connect, after, tap: world.tap });
  const kept = createKeptReplies<KeptReply>(KEPT_MOST, KEPT_SIZE, keptSize);
  // The SDK adds the version itself; people write it as well.
  const base = baseUrl(endpoint, ENDPOINT).replace(/\/v1$/, '');
  let closed = false;
  let made: { readonly apiKey: string | undefined; readonly client: Anthropic } | undefined;

  const client = async (signal: AbortSignal): Promise<Anthropic> => {
    const apiKey = await key.read(signal);
    if (made !== undefined && made.apiKey === apiKey) return made.client;
    const client = new sdk.Anthropic({
      // Given in full: what is left out the SDK looks for in the environment and in files of its own.
      apiKey: apiKey ?? '',
      authToken: null,
      baseURL: base,
      ...(apiKey === undefined && { defaultHeaders: { authorization: null } }),
      fetch: wrapped(transport.fetch),
      maxRetries: 0,
      timeout: NO_LIMIT_MS,
      logLevel: 'off',
      openTelemetry: false,
    });
    made = { apiKey, client };
    return client;
  };

  const failureOf = (asked: Asked, thrown: unknown): Failure | undefined => {
    if (!(thrown instanceof sdk.APIError)) return undefined;
    const { status, headers, error } = thrown;
    if (status === undefined || headers === undefined) return undefined;
    if (status === 401) key.forget();
    return claudeFailure(asked, { status, headers, body: error }, now());
  };

  const chat = (request: ChatRequest, signal: AbortSignal): AsyncIterable<readonly ChatEvent[]> => {
    const asked = { provider: name, model: request.model };
    const names = toolNames(
      request.tools.map((tool) => tool.name),
      CLAUDE_NAMES,
    );
    let headers = new Headers();
    const open = async (control: AbortSignal): Promise<AsyncIterable<readonly VendorSse[]>> => {
      const body = claudeBody(request, { names, kept: kept.of });
      const response = await (await client(control))
        // Not `messages.create`, which writes warnings about old models to the console with every call.
        .post('/v1/messages', { body, stream: true, signal: control })
        .asResponse();
      headers = response.headers;
      return await eventStream(response, asked);
    };
    const reader = createClaudeReader({
      asked,
      ours: names.ours,
      keep: (callId, blocks) => kept.keep(callId, { model: request.model, blocks }),
      headers: () => headers,
      now,
    });
    return streamCall(
      { asked, timeouts, after, monotonic, open, reader, failureOf: (thrown) => failureOf(asked, thrown) },
      signal,
    );
  };

  const list = createModelList({
    name,
    table: CLAUDE_MODELS,
    now,
    live: () => {
      const asked = { provider: name };
      const failed = (thrown: unknown): Failure | undefined => failureOf(asked, thrown);
      return timed({ asked, within: LIST_MS, after, failureOf: failed }, async (signal) => {
        const page = await (await client(signal)).models.list({ limit: LISTED_MOST }, { signal });
        return z.array(ClaudeListed).parse(page.data).map(listed);
      });
    },
  });

  return {
    name,
    available: () => !closed,
    listModels: list.read,
    listProblem: list.problem,
    chat: (request, { signal }) => chat(request, signal),
    forgetKey: key.forget,
    status: () => availabilityOf(name, base, closed, list.problem()),
    close: async () => {
      closed = true;
      transport.close();
    },
  };
}
