// SPDX-License-Identifier: Apache-2.0
// HTTP as a client of a gateway that may die at any moment: an answer, a stream of events, or nothing.

import { Agent, type IncomingMessage, request } from 'node:http';
import { createParser } from 'eventsource-parser';

export interface Wire {
  readonly port: number;
  readonly agent: Agent;
  token: string;
}

export function wire(port: number): Wire {
  return { port, agent: new Agent({ keepAlive: true }), token: '' };
}

export interface Answered {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** An event as it was sent; `id` is empty for what the edge says itself. */
export interface WireEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** How a stream ended: refused with an answer, ended by the gateway, or cut off with it. */
export type Streamed = Answered | 'ended' | 'cut';

interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Longest silence of a gateway that lives, in milliseconds; after it the connection is given up. */
const SILENCE_MS = 20_000;

function open({ port, agent, token }: Wire, call: Call): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const text = call.body === undefined ? undefined : JSON.stringify(call.body);
    const sent = request(
      {
        port,
        agent,
        host: '127.0.0.1',
        method: call.method,
        path: call.path,
        timeout: SILENCE_MS,
        headers: {
          authorization: `Bearer ${token}`,
          ...(text === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
          ...call.headers,
        },
      },
      resolve,
    );
    sent.on('timeout', () => sent.destroy(new Error('the gateway said nothing')));
    sent.on('error', reject);
    sent.end(text);
  });
}

async function whole(response: IncomingMessage): Promise<Answered> {
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) text += chunk as string;
  if (!response.complete) throw new Error('cut off');
  return {
    status: response.statusCode ?? 0,
    body: text === '' ? {} : (JSON.parse(text) as Readonly<Record<string, unknown>>),
  };
}

/** One request; null when the gateway died over it or was not there. */
export async function ask(on: Wire, call: Call): Promise<Answered | null> {
  try {
    return await whole(await open(on, call));
  } catch {
    return null;
  }
}

/**
 * Follows a stream until it ends.
 *
 * @param begun called when the headers are there: what was sent is acknowledged
 * @param heard called for each event; answers false to go away
 */
export async function follow(
  on: Wire,
  call: Call,
  begun: () => void,
  heard: (event: WireEvent) => boolean,
): Promise<Streamed> {
  let response: IncomingMessage;
  try {
    response = await open(on, call);
    if (response.statusCode !== 200) return await whole(response);
  } catch {
    return 'cut';
  }
  begun();
  return await new Promise((resolve) => {
    const parser = createParser({
      onEvent: ({ id = '', event = '', data }) => {
        if (!response.destroyed && !heard({ id, event, data })) response.destroy();
      },
    });
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => parser.feed(chunk));
    response.on('error', () => undefined);
    response.on('close', () => resolve(response.complete ? 'ended' : 'cut'));
  });
}
