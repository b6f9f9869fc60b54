// SPDX-License-Identifier: Apache-2.0
// Requests to a server over HTTP, within bounds: how large a message is, how many answers are open, how often it is listened to anew.

import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js';
import { MESSAGE_BYTES } from './child-process.ts';

/** Answers that may be open at once: each call may leave one behind that its server never ends. */
const OPEN_MOST = 256;
/** Times a stream may be opened anew within a minute: the server says how soon, and may say at once. */
const STREAMS_A_MINUTE = 30;
const MINUTE_MS = 60_000;

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** Lets bytes through until one message has too many of them: all of an answer, or what lies between two empty lines of a stream. */
function limited(stream: boolean, begins: (chunk: Uint8Array) => void): TransformStream<Uint8Array, Uint8Array> {
  let size = 0;
  let empty = true;
  let first = true;
  return new TransformStream({
    transform(chunk, controller) {
      if (first) begins(chunk);
      first = false;
      if (!stream) size += chunk.length;
      else {
        for (const byte of chunk) {
          if (byte === RETURN) continue;
          if (byte !== NEWLINE) {
            size += 1;
            empty = false;
          } else if (empty) size = 0;
          else empty = true;
        }
      }
      if (size > MESSAGE_BYTES) {
        controller.error(new Error(TOO_LARGE));
        return;
      }
      controller.enqueue(chunk);
    },
  });
}

const TOO_LARGE = `it sent a message of more than ${MESSAGE_BYTES / 1024 / 1024} MiB`;
/** A stream whose first event has an id can be taken up again where it broke off. */
const RESUMABLE = /^id:/m;
/** Bytes of a stream in which that is looked for. */
const BEGINNING = 4_096;

export interface BoundedFetchOptions {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** An answer broke off that nobody can take up again: whoever waits for what was to come in it waits in vain. */
  readonly broken: (why: string) => void;
  readonly fetch?: FetchLike;
}

/** A `fetch` for one connection. */
export function boundedFetch({ now, broken, fetch: real = fetch }: BoundedFetchOptions): FetchLike {
  let open = 0;
  let streams: number[] = [];
  return async (url, init) => {
    if (init?.method === 'GET') {
      streams = streams.filter((at) => now() - at < MINUTE_MS);
      if (streams.length >= STREAMS_A_MINUTE) throw new Error('its stream of messages ends again and again');
      streams.push(now());
    }
    if (open >= OPEN_MOST) throw new Error(`${OPEN_MOST} of its answers are open and do not end`);
    open += 1;
    let closed = false;
    const close = (): void => {
      if (!closed) open -= 1;
      closed = true;
    };
    try {
      const response = await real(url, init);
      if (response.body === null) {
        close();
        return response;
      }
      const { status, statusText, headers } = response;
      const isStream = headers.get('content-type')?.startsWith('text/event-stream') === true;
      let resumable = init?.method === 'GET';
      const limit = limited(isStream, (chunk) => {
        resumable ||= RESUMABLE.test(new TextDecoder().decode(chunk.subarray(0, BEGINNING)));
      });
      response.body.pipeTo(limit.writable).then(close, (thrown: unknown) => {
        close();
        const why = thrown instanceof Error ? thrown.message : '';
        if (why === TOO_LARGE) broken(why);
        else if (isStream && !resumable) broken('an answer broke off');
      });
      return new Response(limit.readable, { status, statusText, headers });
    } catch (thrown) {
      close();
      throw thrown;
    }
  };
}
