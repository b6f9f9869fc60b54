// SPDX-License-Identifier: Apache-2.0
// A turn on a terminal: text as it streams, dim lines for tools, a spinner while nothing is to be seen.

import yoctoSpinner, { type Spinner } from 'yocto-spinner';
import type { TurnStreamEvent } from './chat-turn.ts';
import { type JsonObject, text } from './json-reading.ts';
import type { Paint } from './output.ts';
import { cut, oneLine, visible } from './terminal-text.ts';

/** Where a turn is drawn. */
export interface Canvas {
  readonly paint: Paint;
  /** Writes what belongs to the answer. */
  write(text: string): void;
  /** Writes what only goes with it: tool lines, warnings. */
  aside(text: string): void;
  /** Shown while nothing is to be seen; none where it cannot be drawn over. */
  readonly spinner: Spinner | undefined;
  width(): number;
  /** How a person answers a request for approval here. */
  approval(id: string): string;
}

/** A spinner on a terminal; undefined for what is none, or is kept as a log. */
export function spinnerOn(stream: NodeJS.WriteStream): Spinner | undefined {
  if (stream.isTTY !== true || process.env['TERM'] === 'dumb' || 'CI' in process.env) return undefined;
  const spinner = yoctoSpinner({ stream, handleSignals: false });
  // It hides the cursor: however the process ends, the cursor comes back.
  process.once('exit', () => spinner.stop());
  return spinner;
}

const ENDINGS: Readonly<Record<string, string>> = {
  cancelled: 'cancelled',
  length: 'the answer was cut: the model reached its limit',
  content_filter: 'the answer was held back by a content filter',
};

/** Draws one turn. */
export class TurnView {
  readonly #canvas: Canvas;
  /** All text of the answer on the screen. */
  #shown = '';
  /** After a restart the text comes again: how much of it was recognised; -1 when none is expected. */
  #recognised = -1;
  #half = '';
  #column = 0;

  constructor(canvas: Canvas) {
    this.#canvas = canvas;
  }

  /** A new turn: nothing of it is on the screen. */
  begin(): void {
    this.settle();
    this.#shown = '';
    this.#half = '';
    this.#recognised = -1;
  }

  /** Something is awaited: shows the spinner until there is something to see. */
  wait(label: string): void {
    const { spinner, paint, width } = this.#canvas;
    if (spinner === undefined || this.#column > 0) return;
    const shown = paint.dim(cut(label, Math.max(20, width() - 4)));
    if (spinner.isSpinning) spinner.text = shown;
    else spinner.start(shown);
  }

  /** Takes the spinner away and ends an open line. */
  settle(): void {
    this.#canvas.spinner?.stop();
    if (this.#column > 0) this.#canvas.write('\n');
    this.#column = 0;
  }

  show({ event, data }: TurnStreamEvent): void {
    switch (event) {
      case 'turn_started':
      case 'turn_restarted':
        // What is on the screen stays; only what differs from it is written.
        if (this.#shown !== '') this.#recognised = 0;
        this.wait('thinking');
        break;
      case 'text_delta':
        this.#text(text(data['text']));
        break;
      case 'tool_call':
        this.note(`→ ${oneLine(text(data['name']))} ${oneLine(text(data['arguments']))}`);
        this.wait(oneLine(text(data['name'])));
        break;
      case 'tool_result':
        this.note(
          `${data['is_error'] === true ? '✗' : '✓'} ${oneLine(text(data['name']))} ${oneLine(text(data['content']))}`,
        );
        this.wait('thinking');
        break;
      case 'approval_requested':
        this.#asks(data);
        break;
      case 'warning':
        this.#aside(`! ${oneLine(text(data['message'])) || oneLine(text(data['code']))}`);
        break;
      case 'done':
        this.#done(text(data['content']), text(data['finish_reason']));
        break;
      default:
        break;
    }
  }

  /** A dim line of its own, as wide as the terminal at most. */
  note(line: string): void {
    this.#aside(cut(line, Math.max(18, this.#canvas.width() - 3)));
  }

  /** A dim line of its own, however long. */
  #aside(line: string): void {
    this.settle();
    const { aside, paint } = this.#canvas;
    aside(`${paint.dim(`  ${line}`)}\n`);
  }

  /** What is to be allowed is shown whole: nobody should allow what they cannot read. */
  #asks(data: JsonObject): void {
    const [id, tool, given, reason] = ['id', 'tool', 'arguments', 'reason'].map((name) => oneLine(text(data[name])));
    this.#aside(`? May ${tool} run with ${given}${reason === '' ? '' : `: ${reason}`}?`);
    this.#aside(`  ${this.#canvas.approval(id ?? '')}, until ${oneLine(text(data['expires_at']))}`);
    this.wait('waiting for approval');
  }

  #done(content: string, reason: string): void {
    // The text never came as deltas (a repeated message), or it differs from what a broken stream showed.
    if (this.#shown === '') this.#text(content);
    else if (this.#recognised >= 0 && this.#recognised < this.#shown.length && !this.#shown.endsWith(content)) {
      this.#differs(content);
    }
    this.settle();
    const ending = ENDINGS[reason];
    if (ending !== undefined) this.note(`(${ending})`);
  }

  #text(delta: string): void {
    if (delta === '') return;
    if (this.#recognised < 0) {
      this.#append(delta);
      return;
    }
    const from = this.#recognised;
    const expected = this.#shown.slice(from, from + delta.length);
    if (delta.startsWith(expected)) {
      this.#recognised = from + expected.length;
      const fresh = delta.slice(expected.length);
      if (fresh === '') return;
      this.#recognised = -1;
      this.#append(fresh);
    } else {
      this.#differs(this.#shown.slice(0, from) + delta);
    }
  }

  #differs(content: string): void {
    this.#recognised = -1;
    this.#shown = '';
    this.note('(the answer begins again)');
    this.#append(content);
  }

  #append(fresh: string): void {
    this.#canvas.spinner?.stop();
    this.#shown += fresh;
    // A delta may end between the two halves of a character: the first waits for the second.
    const whole = this.#half + fresh;
    const cutAt = /[\ud800-\udbff]$/.test(whole) ? whole.length - 1 : whole.length;
    this.#half = whole.slice(cutAt);
    const safe = visible(whole.slice(0, cutAt));
    const lastLine = safe.slice(safe.lastIndexOf('\n') + 1);
    this.#column = safe.includes('\n') ? lastLine.length : this.#column + lastLine.length;
    this.#canvas.write(safe);
  }
}
