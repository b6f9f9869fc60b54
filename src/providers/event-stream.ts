// SPDX-License-Identifier: Apache-2.0
// Server-sent events out of a vendor's answer, in arrays as the network brings them.

import { createParser } from 'eventsource-parser';
import { SigilError } from '../errors.ts';
import { arrivalsOf } from './arrivals.ts';
import { type Asked, excerpt, providerFailure } from './failures.ts';

/** Characters one event may hold: a whole answer with everything in it, and more than any vendor sends. */
const EVENT_MOST = 16 * 1_048_576;
/** Characters read of an answer that is no stream, to say what it was. */
const SHOWN_MOST = 2_048;

export interface VendorSse {
  /** Empty where the vendor does not name its events. */
  readonly event: string;
  readonly data: string;
}

/**
 * The events of an answer; comments come as empty arrays, as signs of life.
 *
 * @throws SigilError `provider_error` when it is no event stream, or one event is larger than any should be
 */
export async function eventStream(response: Response, asked: Asked): Promise<AsyncIterable<readonly VendorSse[]>> {
  const type = response.headers.get('content-type') ?? '';
  // Some servers forget to say what it is; those that say something else mean it.
  if (type !== '' && !/^text\/(?:event-stream|plain)\b/i.test(type)) {
    throw notStream(asked, type, await beginning(response));
  }
  const take = eventsOf(asked);
  const arrivals = arrivalsOf(response);
  return arrivals === undefined ? eachAlone(response, take) : { [Symbol.asyncIterator]: () => arrivals.read(take) };
}

/** What a body comes to, chunk by chunk. */
async function* eachAlone({ body }: Response, take: ReturnType<typeof eventsOf>): AsyncGenerator<readonly VendorSse[]> {
  for await (const chunk of body ?? []) {
    const events = take([chunk]);
    if (events !== undefined) yield events;
  }
}

/** Makes events of chunks; undefined while they are part of one that is not whole yet. */
function eventsOf(asked: Asked): (chunks: readonly Uint8Array[]) => readonly VendorSse[] | undefined {
  let ready: VendorSse[] = [];
  let alive = false;
  let tooLarge = false;
  const parser = createParser({
    onEvent: ({ event, data }) => ready.push({ event: event ?? '', data }),
    onComment: () => {
      alive = true;
    },
    onError: ({ type }) => {
      tooLarge ||= type === 'max-buffer-size-exceeded';
    },
    maxBufferSize: EVENT_MOST,
  });
  const decoder = new TextDecoder();
  return (chunks) => {
    let text = '';
    for (const chunk of chunks) text += decoder.decode(chunk, { stream: true });
    parser.feed(text);
    if (tooLarge) {
      const message = `${asked.provider} sent an event of more than ${EVENT_MOST} characters.`;
      throw new SigilError(providerFailure('provider_error', asked, message));
    }
    if (ready.length === 0 && !alive) return undefined;
    const events = ready;
    ready = [];
    alive = false;
    return events;
  };
}

async function beginning(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > SHOWN_MOST) break;
  }
  return text;
}

function notStream(asked: Asked, type: string, text: string): SigilError {
  const what = excerpt(type).slice(0, 100);
  const message = `${asked.provider} answered with ${what} instead of a stream: ${excerpt(text)} Check \`endpoint\`.`;
  return new SigilError(providerFailure('provider_error', asked, message));
}
