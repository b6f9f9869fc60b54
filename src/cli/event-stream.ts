// SPDX-License-Identifier: Apache-2.0
// Server-sent events out of a response, with an end that tells a finished stream from a broken one.

import type { IncomingMessage } from 'node:http';
import { createParser } from 'eventsource-parser';
import { CliError, interrupted } from './cli-error.ts';

/** One event; `id` is empty when it had none. */
export interface ServerEvent {
  readonly event: string;
  readonly id: string;
  readonly data: string;
}

/** A stream that says nothing at all for this long is dead: the gateway sends a comment every 15 s. */
const SILENCE_MS = 45_000;
/** One event holds at most a tool's result or a whole reply. */
const MOST_BUFFERED = 32 * 1024 * 1024;

/**
 * The events of a response until it ends.
 *
 * @throws CliError `connection_lost` when it broke instead of ending
 */
export async function* serverEvents(response: IncomingMessage, signal?: AbortSignal): AsyncGenerator<ServerEvent> {
  const ready: ServerEvent[] = [];
  const parser = createParser({
    onEvent: ({ event, id, data }) => ready.push({ event: event ?? 'message', id: id ?? '', data }),
    maxBufferSize: MOST_BUFFERED,
  });
  response.setTimeout(SILENCE_MS, () => response.destroy(new Error('nothing was heard for too long')));
  response.setEncoding('utf8');
  try {
    for await (const chunk of response) {
      parser.feed(String(chunk));
      yield* ready.splice(0);
    }
  } catch (error) {
    if (signal?.aborted === true) throw interrupted();
    throw new CliError(
      'connection_lost',
      `The connection to the gateway broke (${error instanceof Error ? error.message : String(error)}).`,
      'Look with `sigil status` whether it still runs, and try again.',
      { cause: error },
    );
  } finally {
    response.destroy();
  }
}
