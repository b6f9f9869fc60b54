// SPDX-License-Identifier: Apache-2.0
// `sigil provider trace`: what goes to vendors and comes from them, as it happens, until somebody has seen enough.

import { CliError, EXIT } from './cli-error.ts';
import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { serverEvents } from './event-stream.ts';
import { type JsonObject, number, object, parsed, text } from './json-reading.ts';
import { documentText, type Output } from './output.ts';
import { withQuery } from './pages.ts';
import { statusOf, stopping } from './stopping.ts';
import { oneLine } from './terminal-text.ts';
import { TrafficText } from './traffic-text.ts';

/** The kinds of entry that each choice of `--only` shows. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  request: ['call', 'request', 'request_body'],
  answer: ['call', 'answer', 'answer_body', 'answer_end', 'no_answer'],
  events: ['call', 'event', 'end'],
};

/** Shows what the stream tells. */
function shower(output: Output, only: string | undefined) {
  const pretty = new TrafficText(output.paint);
  const kinds = only === undefined ? undefined : KINDS[only];
  const lines = (some: readonly string[]): void => {
    if (some.length > 0) output.write(`${some.join('\n')}\n`);
  };
  return {
    entry: (entry: JsonObject): void => {
      if (kinds !== undefined && !kinds.includes(text(entry['kind']))) return;
      if (output.json) output.write(`${documentText(entry, 0)}\n`);
      else lines(pretty.take(entry));
    },
    missing: (data: JsonObject, sentence: string): void => {
      if (output.json) output.write(`${documentText(data, 0)}\n`);
      else lines([output.paint.yellow(sentence)]);
    },
    end: (): void => {
      if (!output.json) lines(pretty.rest());
    },
  };
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const [name] = call.args;
  const { ended, signal } = stopping(output);
  const show = shower(output, call.value('only'));
  const path = withQuery('/debug/providers/stream', { provider: name });
  try {
    await withGateway(call, async (client) => {
      const response = await client.open('GET', path, { signal, headers: { accept: 'text/event-stream' } });
      const of = name === undefined ? 'all providers' : oneLine(name);
      output.note(`Following ${of}: every call that begins from now on. Ctrl-C ends it.`);
      for await (const { event, data } of serverEvents(response, signal)) {
        const said = object(parsed(data));
        if (event === 'entry') show.entry(said);
        else if (event === 'dropped') {
          const count = number(said['dropped']);
          const entries = `${count} ${count === 1 ? 'entry' : 'entries'}`;
          show.missing(said, `${entries} found no room on the way here and cannot be shown.`);
        } else if (event === 'lost') {
          const thread = oneLine(text(said['thread']));
          show.missing(said, `The thread ${thread} ended: the calls it was making are not shown any further.`);
        } else if (event === 'error') {
          const advice = 'Follow it again, a single provider with NAME, or into a file.';
          throw new CliError('slow_consumer', oneLine(text(said['message'])), advice);
        }
      }
    });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    show.end();
  }
  if (signal.aborted) return statusOf(await ended);
  output.note('The gateway ended the stream.');
  return EXIT.done;
};
