// SPDX-License-Identifier: Apache-2.0
// `sigil actors --watch`: redrawn like `top` on a terminal, else one line for every step as it happens.

import { setTimeout as sleep } from 'node:timers/promises';
import { actorsDocument, documentLines } from './actor-view.ts';
import { EXIT, toCliError } from './cli-error.ts';
import { isConnectionError } from './client.ts';
import type { Call } from './command.ts';
import { withGateway } from './connect.ts';
import { serverEvents } from './event-stream.ts';
import { number, object, parsed, text } from './json-reading.ts';
import { withQuery } from './pages.ts';
import { stateText } from './state-text.ts';
import { type Ending, statusOf, stopping } from './stopping.ts';
import { oneLine } from './terminal-text.ts';

const REDRAW_MS = 500;
const CSI = '\u001b[';
/** Another screen without a cursor, on which a line too long is cut: wrapped it would push the first ones out. */
const SCREEN = {
  enter: `${CSI}?1049h${CSI}?25l${CSI}?7l`,
  // Emptied first: a multiplexer whose window was resized meanwhile would carry lines over.
  leave: `${CSI}H${CSI}J${CSI}?7h${CSI}?25h${CSI}?1049l`,
  home: `${CSI}H`,
  lineEnd: `${CSI}K`,
  below: `${CSI}J`,
};

interface Watching {
  readonly ended: Promise<Ending>;
  readonly signal: AbortSignal;
  readonly restore: () => void;
}

/** Listens for `q`, Ctrl-C, signals and the end of stdout. */
function watching({ output }: Call): Watching {
  const { stdin } = process;
  const { ended, signal, end } = stopping(output);
  const raw = output.terminal && stdin.isTTY === true;
  if (raw) {
    stdin.setRawMode(true);
    stdin.on('data', (bytes: Buffer) => {
      const keys = bytes.toString('latin1');
      // A raw terminal sends Ctrl-C and Ctrl-D as characters.
      if (keys.includes('\u0003')) end('interrupted');
      else if (/q/i.test(keys) || keys.includes('\u0004')) end('quit');
    });
  }
  return { ended, signal, restore: () => raw && stdin.setRawMode(false) };
}

/** Resolves early, without a complaint, when the signal comes. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

async function redraw(call: Call): Promise<number> {
  const { output } = call;
  // What is wrong at once is told like any error; what goes wrong later is shown on the screen.
  let document = await actorsDocument(call, output.rows());
  const { ended, signal, restore } = watching(call);
  output.write(SCREEN.enter);
  try {
    let trouble = '';
    while (!signal.aborted) {
      const clock = new Date().toTimeString().slice(0, 8);
      const note = trouble === '' ? 'q leaves' : trouble;
      const lines = [output.paint.dim(`${clock}  ${note}`), ...documentLines(call, document)].slice(
        0,
        output.rows() - 1,
      );
      output.write(`${SCREEN.home}${lines.map((line) => line + SCREEN.lineEnd).join('\r\n')}${SCREEN.below}`);
      await pause(REDRAW_MS, signal);
      if (signal.aborted) break;
      try {
        // No more than the screen shows: looking twice a second must cost little, however many there are.
        document = await actorsDocument(call, output.rows());
        trouble = '';
      } catch (error) {
        if (!isConnectionError(error)) throw error;
        trouble = `${oneLine(toCliError(error).message)} Waiting for it; q leaves.`;
      }
    }
    return statusOf(await ended);
  } finally {
    output.write(SCREEN.leave);
    restore();
  }
}

async function follow(call: Call): Promise<number> {
  const { output } = call;
  const { ended, signal } = watching(call);
  const path = withQuery('/debug/actors/stream', { kind: call.value('kind'), address: call.args[0] });
  try {
    await withGateway(call, async (client) => {
      const response = await client.open('GET', path, { signal, headers: { accept: 'text/event-stream' } });
      for await (const { data } of serverEvents(response, signal)) {
        const step = object(parsed(data));
        if (text(step['address']) === '') {
          const dropped = number(step['dropped']);
          if (dropped > 0) output.line(`${dropped} steps were left out`);
          continue;
        }
        const change = `${stateText(step['from_state'])} -> ${stateText(step['to_state'])}`;
        output.line([text(step['at']), text(step['address']), text(step['event']), change].map(oneLine).join('  '));
      }
    });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  if (signal.aborted) return statusOf(await ended);
  output.note('The gateway ended the stream.');
  return EXIT.done;
}

/** Watches until the user has seen enough. */
export async function watch(call: Call): Promise<number> {
  return call.output.terminal ? await redraw(call) : await follow(call);
}
