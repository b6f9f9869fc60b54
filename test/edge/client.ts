// SPDX-License-Identifier: Apache-2.0
// A client for edge tests: plain node requests, server-sent events as they arrive, and bytes on a bare socket.

import { Agent, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { connect } from 'node:net';
import { HANGS_MS } from '../patience.ts';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: what a test looks into is what it is about.
  readonly body: any;
}

export interface Call extends Omit<RequestOptions, 'agent'> {
  readonly token?: string | null;
  readonly json?: unknown;
  readonly raw?: string | Buffer;
}

export class Client {
  readonly port: number;
  private readonly agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  constructor(port: number) {
    this.port = port;
  }

  close(): void {
    this.agent.destroy();
  }

  /** Sends and waits for the headers. */
  open(
    method: string,
    path: string,
    { token = 'owner-token', json, raw, headers, ...options }: Call = {},
  ): Promise<IncomingMessage> {
    const body = json === undefined ? raw : JSON.stringify(json);
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          host: '127.0.0.1',
          port: this.port,
          method,
          path,
          agent: this.agent,
          headers: {
            ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
            ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
            ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }),
            ...(headers as Record<string, string> | undefined),
          },
          ...options,
        },
        resolve,
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }

  async call(method: string, path: string, call: Call = {}): Promise<Reply> {
    const response = await this.open(method, path, call);
    const text = await textOf(response);
    const type = response.headers['content-type'] ?? '';
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      text,
      body: /json\b/.test(type) && text !== '' ? JSON.parse(text) : undefined,
    };
  }

  /** Opens an event stream and reads it to its end. */
  async events(method: string, path: string, call: Call = {}): Promise<readonly ServerEvent[]> {
    const response = await this.open(method, path, call);
    return parseEvents(await textOf(response));
  }

  /** Sends bytes as they are and answers everything that comes back until the socket closes. */
  bytes(text: string | Buffer): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1');
      const chunks: Buffer[] = [];
      socket.on('data', (chunk) => chunks.push(chunk));
      socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
      socket.on('error', reject);
      socket.write(text);
    });
  }
}

export async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Reads along; what came so far can be looked at while the stream is open, and after it was cut. */
export function readAlong(response: IncomingMessage): () => string {
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  response.on('error', () => undefined);
  return () => Buffer.concat(chunks).toString();
}

export interface ServerEvent {
  readonly id?: string;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: what a test looks into is what it is about.
  readonly data: any;
}

/** Reads frames strictly: `id`, `event`, one line of `data`, a blank line; comments are left out. */
export function parseEvents(text: string): readonly ServerEvent[] {
  return text
    .split('\n\n')
    .filter((frame) => frame !== '' && frame !== ':')
    .map((frame) => {
      const match = /^(?:id: (?<id>\S+)\n)?event: (?<event>\S+)\ndata: (?<data>.+)$/.exec(frame);
      if (match?.groups === undefined) throw new Error(`not a frame: ${JSON.stringify(frame)}`);
      const { id, event, data } = match.groups;
      return { ...(id === undefined ? {} : { id }), event: event ?? '', data: JSON.parse(data ?? '') };
    });
}

/** Polls until something holds; what takes a request is asked again only once it was answered. @param within milliseconds */
export async function until(what: () => boolean | Promise<boolean>, within = HANGS_MS): Promise<void> {
  const began = performance.now();
  while (!(await what())) {
    const waited = performance.now() - began;
    if (waited > within) throw new Error(`not within ${within} ms: ${what}`);
    // Who is waited for needs the processor too: what has taken long is asked for less often.
    await new Promise((resolve) => setTimeout(resolve, Math.min(100, 10 + waited / 10)));
  }
}
