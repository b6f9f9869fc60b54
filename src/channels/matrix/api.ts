// SPDX-License-Identifier: Apache-2.0
// The client-server API of Matrix, as far as an adapter needs it, and what its errors mean.
//
// Not matrix-js-sdk: its sync asks for what is next before anybody has kept what came, it holds every event of every room for as
// long as it runs, and it costs a thread 115 ms and 48 MB to load, for 28 MB on disk, most of it for encryption.

import { z } from 'zod';
import { type Failure, failure, SigilError } from '../../errors.ts';
import { type ApiClient, type ApiResponse, below, bounded, jsonOf, retryAfter } from '../api-client.ts';

const LATER = 5_000;
const CLIENT = ['_matrix', 'client', 'v3'];
const UPLOAD = ['_matrix', 'media', 'v3', 'upload'];
const DOWNLOAD = ['_matrix', 'client', 'v1', 'media', 'download'];
/** For servers before v1.11. */
const OLD_DOWNLOAD = ['_matrix', 'media', 'v3', 'download'];

const answered = z.object({
  errcode: z.string().max(100),
  error: z.string().default(''),
  retry_after_ms: z.number().optional(),
});

export interface MatrixCall {
  readonly signal: AbortSignal;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
  readonly silence?: number;
  readonly most?: number;
}

export class MatrixApi {
  readonly #client: ApiClient;
  readonly #root: string;
  readonly #token: string;
  readonly #now: () => number;

  constructor(
    client: ApiClient,
    options: { readonly root: string; readonly token: string; readonly now: () => number },
  ) {
    if (!/^[\x21-\x7e]+$/.test(options.token))
      throw new SigilError(failure('channel_auth', 'the access token of Matrix has what no token has; copy it anew'));
    this.#client = client;
    this.#root = options.root;
    this.#token = options.token;
    this.#now = options.now;
  }

  /** @param path below `/_matrix/client/v3`, each part as it is @throws SigilError */
  async call<S extends z.ZodType>(
    method: 'GET' | 'POST' | 'PUT',
    path: readonly string[],
    schema: S,
    call: MatrixCall,
  ): Promise<z.output<S>> {
    const { body, ...more } = call;
    const json = { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
    const response = await this.#request(
      method,
      [...CLIENT, ...path],
      body === undefined ? more : { ...more, ...json },
    );
    const read = schema.safeParse(jsonOf(response));
    if (read.success) return read.data;
    throw new SigilError(failure('channel_network', 'the Matrix server answered with what is no answer'));
  }

  /** @returns the `mxc:` address of what was uploaded */
  async upload(name: string, mediaType: string, data: Uint8Array, signal: AbortSignal): Promise<string> {
    const headers = { 'Content-Type': /^[\w.+-]+\/[\w.+-]+/.exec(mediaType)?.[0] ?? 'application/octet-stream' };
    const request = { query: { filename: name }, body: data, headers, signal };
    const read = z.object({ content_uri: mxc }).safeParse(jsonOf(await this.#request('POST', UPLOAD, request)));
    if (read.success) return read.data.content_uri;
    throw new SigilError(failure('channel_network', 'the Matrix server answered with what is no answer'));
  }

  /** @param from an `mxc:` address */
  async download(from: string, most: number, signal: AbortSignal): Promise<Uint8Array> {
    const [, server = '', id = ''] = MXC.exec(from) ?? [];
    const get = (path: readonly string[]) => this.#request('GET', [...path, server, id], { signal, most });
    const response = await get(DOWNLOAD).catch((thrown: unknown) => {
      if (thrown instanceof SigilError && thrown.failure.details?.['errcode'] === 'M_UNRECOGNIZED')
        return get(OLD_DOWNLOAD);
      throw thrown;
    });
    return new Uint8Array(response.body);
  }

  async #request(
    method: 'GET' | 'POST' | 'PUT',
    path: readonly string[],
    request: Omit<MatrixCall, 'body'> & {
      readonly body?: string | Uint8Array;
      readonly headers?: Readonly<Record<string, string>>;
    },
  ): Promise<ApiResponse> {
    const { query, headers, ...more } = request;
    const response = await this.#client.request({
      ...more,
      method,
      url: below(this.#root, path, query),
      headers: { Authorization: `Bearer ${this.#token}`, ...headers },
    });
    if (response.status >= 200 && response.status < 300) return response;
    throw new SigilError(refusal(response, this.#now()));
  }
}

const MXC = /^mxc:\/\/([^/\s?#]{1,255})\/([\w.~-]{1,255})$/;
/** The address of a file. */
export const mxc = z.string().regex(MXC);

/** What a refusal says (https://spec.matrix.org/v1.16/client-server-api/#standard-error-response). */
function refusal(response: ApiResponse, now: number): Failure {
  const { status } = response;
  const read = answered.safeParse(jsonOf(response));
  const { errcode, error, retry_after_ms } = read.success
    ? read.data
    : { errcode: '', error: '', retry_after_ms: undefined };
  const says = `the Matrix server refused (${errcode || status}): ${error.slice(0, 200)}`;
  const details = { errcode, status };
  const after = () => (retry_after_ms === undefined ? retryAfter(response, now, LATER) : bounded(retry_after_ms));
  if (status === 401 || errcode === 'M_USER_DEACTIVATED' || errcode === 'M_USER_LOCKED')
    return failure('channel_auth', `${says}; get a new \`access_token\` of the account`, details);
  if (status === 429) return failure('rate_limited', says, { ...details, retry_after_ms: after() });
  if (status === 413 || errcode === 'M_TOO_LARGE') return failure('payload_too_large', says, details);
  if (status >= 500) return failure('channel_network', says, { ...details, retry_after_ms: after() });
  if (status === 404) return failure('not_found', says, details);
  if (status === 403) return failure('forbidden', says, details);
  return failure('channel_refused', says, details);
}
