// SPDX-License-Identifier: Apache-2.0
// `sigil chat`: one message and its answer, or a conversation.

import { Destination } from './chat-destination.ts';
import { type ChatLink, LocalLink } from './chat-link.ts';
import { type ChatMessage, cancelTurn, turnEvents, wholeAnswer } from './chat-turn.ts';
import { EXIT, interrupted, wrongUsage } from './cli-error.ts';
import type { Call, CommandRun } from './command.ts';
import { text } from './json-reading.ts';
import { pipedText } from './piped-text.ts';
import { oneLine, visible } from './terminal-text.ts';
import { type Canvas, spinnerOn, TurnView } from './turn-view.ts';

/** The message of this command line; undefined when it is to be a conversation. */
async function givenMessage(call: Call): Promise<string | undefined> {
  if (call.args.length > 0 && !(call.args.length === 1 && call.args[0] === '-')) return call.args.join(' ');
  const wantsPipe = call.args.length === 1 || process.stdin.isTTY !== true;
  return wantsPipe ? (await pipedText()).replace(/\r?\n$/, '') : undefined;
}

/** Waiting is told on stderr where somebody may be looking. */
function waitTeller({ output }: Call): (reason: string) => void {
  return (reason) => {
    if (output.progress && !output.json) output.note(output.notePaint.dim(`${oneLine(reason)} Trying again…`));
  };
}

/** Streams the answer to the terminal. */
async function answerStreaming(call: Call, link: ChatLink, message: ChatMessage, stop: AbortController): Promise<void> {
  const { output } = call;
  const canvas: Canvas = {
    paint: output.notePaint,
    write: output.write,
    aside: (shown) => process.stderr.write(shown),
    spinner: spinnerOn(process.stderr),
    width: output.width,
    approval: (id) => `sigil approval approve ${id}, or deny`,
  };
  const view = new TurnView(canvas);
  view.wait('connecting');
  try {
    for await (const event of turnEvents(link, message, stop.signal, waitTeller(call))) view.show(event);
  } finally {
    view.settle();
  }
}

/** Prints the answer when it is whole. */
async function answerWhole(call: Call, link: ChatLink, message: ChatMessage, stop: AbortController): Promise<void> {
  const { output } = call;
  const answer = await wholeAnswer(link, message, stop.signal, waitTeller(call));
  if (output.json) output.document(answer);
  else output.line(visible(text(answer['content'])));
}

/** Stops the turn of a message: repeating the message tells which turn that is. */
async function cancelMessage(link: ChatLink, message: ChatMessage): Promise<void> {
  const within = AbortSignal.timeout(3_000);
  try {
    for await (const { event, data } of turnEvents(link, message, within, () => undefined)) {
      if (event !== 'turn_started') continue;
      await cancelTurn(link, text(data['turn_id']));
      return;
    }
  } catch {
    // It was asked for on the way out; a turn that cannot be reached ends by itself.
  }
}

async function once(call: Call, content: string): Promise<number> {
  if (content.trim() === '') throw wrongUsage('There is no message.', 'Write one: sigil chat "Hello", or pipe one in.');
  const link = new LocalLink(call, { logLevel: call.globals.verbose ? 'debug' : 'error' });
  const message = new Destination(call).message(content);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(EXIT.interrupted);
      stop.abort();
    });
  }
  try {
    const answer = call.output.terminal && !call.output.json ? answerStreaming : answerWhole;
    await answer(call, link, message, stop);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    if (link.connected) await cancelMessage(link, message);
    throw interrupted();
  } finally {
    await link.close('the chat is over');
  }
  return EXIT.done;
}

export const run: CommandRun = async (call) => {
  const content = await givenMessage(call);
  if (content !== undefined) return await once(call, content);
  if (!call.output.terminal || call.output.json) {
    throw wrongUsage('A conversation needs a terminal.', 'Give a message: sigil chat "Hello", or pipe one in.');
  }
  const { converse } = await import('./conversation.ts');
  return await converse(call, new LocalLink(call, { logLevel: 'silent' }));
};
