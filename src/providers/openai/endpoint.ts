// SPDX-License-Identifier: Apache-2.0
// One server that speaks OpenAI's HTTP interface, asked through OpenAI's own library: one request each, errors as ours.

import type { APIError } from 'openai';
import { z } from 'zod';
import type { Failure } from '../../errors.ts';
import { type Asked, providerFailure, type Refusal, refusalFailure } from '../failures.ts';
import { createProviderKey } from '../key.ts';
import type { ProviderSettings, ProviderWorld } from '../settings.ts';
import { createTransport } from '../transport.ts';
import { judge } from './refusal.ts';

/** The library's own limit is never the one that counts; more does not fit into a timer. */
const NO_TIMEOUT_MS = 2_147_483_647;

type Sdk = typeof import('./sdk.ts');

export interface EndpointOptions {
  readonly sdk: Sdk;
  readonly settings: ProviderSettings;
  readonly world: ProviderWorld;
  /** Base URL, with its version. */
  readonly base: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Endpoint {
  /** Where it is. */
  readonly base: string;
  /** Posts JSON; resolves with the head of a good answer. Rejects with what {@link failureOf} knows. */
  post(path: string, body: object, signal: AbortSignal): Promise<Response>;
  get(path: string, signal: AbortSignal): Promise<Response>;
  /** What a rejection is; undefined when the library has no more to say than that it broke. */
  failureOf(asked: Asked, thrown: unknown): Failure | undefined;
  /** See {@link Provider.forgetKey}. */
  forgetKey(): void;
  close(): void;
}

/** Words of an error in the shapes they come in: OpenAI's, plain texts, FastAPI's. */
const Said = z.object({ message: z.string(), code: z.unknown(), type: z.unknown(), metadata: z.unknown() }).partial();
const ErrorBody = z
  .object({
    error: z.union([z.string(), Said]),
    message: z.string(),
    detail: z.union([z.string(), z.array(z.object({ msg: z.string() }))]),
  })
  .partial();

/** The library reads one shape only, and would drop the words of all others. */
async function inOneShape(response: Response): Promise<Response> {
  const { status, statusText, headers } = response;
  const text = await response.text().catch(() => '');
  const type = headers.get('content-type') ?? '';
  const plain = /^text\/plain|^$/i.test(type) && !text.trimStart().startsWith('<') ? text : '';
  const error = wordsIn(text) ?? { message: plain };
  const init = { status, statusText, headers: { ...Object.fromEntries(headers), 'content-type': 'application/json' } };
  return new Response(JSON.stringify({ error }), init);
}

function wordsIn(text: string): z.infer<typeof Said> | undefined {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    // A page, or a line of a proxy.
    return undefined;
  }
  const parsed = ErrorBody.safeParse(data);
  if (!parsed.success) return undefined;
  const { error, message, detail } = parsed.data;
  if (typeof error === 'object') return error;
  const said = error ?? message ?? detail;
  return { message: typeof said === 'object' ? said.map(({ msg }) => msg).join('; ') : (said ?? '') };
}

function refusalOf(thrown: APIError): Refusal | undefined {
  const { status, headers } = thrown;
  if (typeof status !== 'number' || headers === undefined) return undefined;
  const said = Said.safeParse(thrown.error);
  const { message = '', code, type, metadata } = said.success ? said.data : {};
  const name = [code, type].find((one) => typeof one === 'string' && one !== '');
  return judge({ status, headers, message, vendorCode: typeof name === 'string' ? name : undefined }, metadata);
}

export function createEndpoint({ sdk, settings, world, base, headers = {} }: EndpointOptions): Endpoint {
  const { name, timeouts, api_key } = settings;
  const { now, after } = world;
  const transport = createTransport({ provider: name, connect: timeouts.connect, after, tap: world.tap });
  const key = createProviderKey(api_key, world.resolve, now);
  // Nothing is taken from the environment: it may be another account's.
  const client = new sdk.OpenAI({
    baseURL: base,
    apiKey: 'sent with each request',
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    logLevel: 'off',
    maxRetries: 0,
    timeout: NO_TIMEOUT_MS,
    fetch: async (input, init) => {
      const response = await transport.fetch(input, init);
      return response.ok ? response : await inOneShape(response);
    },
    defaultHeaders: headers,
  });
  const withKey = async (signal: AbortSignal) => {
    const secret = await key.read(signal);
    return { signal, headers: { Authorization: secret === undefined ? null : `Bearer ${secret}` } };
  };
  return {
    base,
    post: async (path, body, signal) =>
      await client.post(path, { body, stream: true, ...(await withKey(signal)) }).asResponse(),
    get: async (path, signal) => await client.get(path, await withKey(signal)).asResponse(),
    failureOf: (asked, thrown) => {
      if (thrown instanceof sdk.APIConnectionTimeoutError)
        return providerFailure('provider_timeout', asked, `${name}: no connection to ${base} came about in time.`);
      const refusal = thrown instanceof sdk.APIError ? refusalOf(thrown) : undefined;
      if (refusal === undefined) return undefined;
      if (refusal.status === 401) key.forget();
      return refusalFailure(asked, refusal, now());
    },
    forgetKey: key.forget,
    close: () => transport.close(),
  };
}
