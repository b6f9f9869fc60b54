// SPDX-License-Identifier: Apache-2.0
// `sigil status --watch`: what changes about the gateway, a line each, until somebody has seen enough.

import { CliError, EXIT } from './cli-error.ts';
import type { Call } from './command.ts';
import { withGateway } from './connect.ts';
import { serverEvents } from './event-stream.ts';
import { object, parsed, text } from './json-reading.ts';
import { documentText } from './output.ts';
import { statusOf, stopping } from './stopping.ts';
import { oneLine } from './terminal-text.ts';

/** Follows the status from here on. */
export async function watch(call: Call): Promise<number> {
  const { output } = call;
  const { ended, signal } = stopping(output);
  try {
    await withGateway(call, async (client) => {
      const response = await client.open('GET', '/api/v1/events', {
        signal,
        headers: { accept: 'text/event-stream' },
      });
      for await (const { event, data } of serverEvents(response, signal)) {
        const { at, ...rest } = object(parsed(data));
        if (event === 'error')
          throw new CliError('slow_consumer', oneLine(text(rest['message'])), 'Follow it again, or into a file.');
        if (event === 'listening') continue;
        if (output.json) output.write(`${documentText({ event, at, ...rest }, 0)}\n`);
        else output.line([text(at), event, ...Object.entries(rest).map(fieldText)].map(oneLine).join('  '));
      }
    });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  if (signal.aborted) return statusOf(await ended);
  output.note('The gateway ended the stream.');
  return EXIT.done;
}

function fieldText([name, value]: readonly [string, unknown]): string {
  return `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`;
}
