// SPDX-License-Identifier: Apache-2.0
// What a person types, message by message: history, several lines, pasted text, and silence while an answer streams.

import { createInterface, type Interface, type Key } from 'node:readline';
import { Writable } from 'node:stream';

/** What the editor tells. */
export interface EditorEvents {
  /** A whole message, its lines joined. */
  message(text: string): void;
  /** Ctrl-C; `hadText` when it threw away what was being typed. */
  interrupt(hadText: boolean): void;
  /** Ctrl-D, or the terminal has gone. */
  close(): void;
}

/** How the editor looks, and what it remembers. */
export interface EditorSettings {
  readonly prompt: string;
  /** Before every line of a message after its first. */
  readonly continuation: string;
  /** Newest first. */
  readonly history: readonly string[];
}

const FENCE = /^\s*```/;
/** Pasted text arrives between marks, so that its line ends do not send it. */
const PASTE_MARKS = { on: '\u001b[?2004h', off: '\u001b[?2004l' };

/** Passes what readline draws to the terminal, or to nobody. */
class Gate extends Writable {
  open = true;

  get columns(): number {
    return process.stdout.columns;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.open) process.stdout.write(chunk);
    done();
  }
}

/** Reads messages from the terminal. */
export class LineEditor {
  readonly #events: EditorEvents;
  readonly #settings: EditorSettings;
  readonly #gate = new Gate();
  readonly #readline: Interface;
  readonly #resized = () => this.#gate.emit('resize');
  /** Lines of a message that is not complete. */
  #lines: string[] = [];
  #pasting = false;
  #closed = false;

  constructor(settings: EditorSettings, events: EditorEvents) {
    this.#settings = settings;
    this.#events = events;
    this.#readline = createInterface({
      input: process.stdin,
      output: this.#gate,
      terminal: true,
      prompt: settings.prompt,
      history: [...settings.history],
      historySize: 1_000,
      removeHistoryDuplicates: true,
      escapeCodeTimeout: 100,
    });
    process.stdout.on('resize', this.#resized);
    process.stdin.on('keypress', this.#onKey);
    this.#readline.on('line', (line) => this.#onLine(line));
    this.#readline.on('SIGINT', () => this.#onInterrupt());
    this.#readline.on('close', () => {
      if (!this.#closed) events.close();
    });
    process.stdout.write(PASTE_MARKS.on);
  }

  /** Shows the prompt, with whatever was typed while it was hidden. */
  prompt(): void {
    if (this.#closed) return;
    this.#gate.open = true;
    this.#readline.setPrompt(this.#lines.length === 0 ? this.#settings.prompt : this.#settings.continuation);
    this.#readline.prompt(true);
  }

  /** Hides the prompt and what is typed: the screen belongs to an answer. */
  hide(): void {
    this.#gate.open = false;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    process.stdout.off('resize', this.#resized);
    process.stdin.off('keypress', this.#onKey);
    this.#readline.close();
    process.stdout.write(PASTE_MARKS.off);
  }

  readonly #onKey = (_text: string | undefined, key: Key): void => {
    if (key.name === 'paste-start') this.#pasting = true;
    else if (key.name === 'paste-end') this.#pasting = false;
    else if (key.meta === true && (key.name === 'return' || key.name === 'enter')) this.#breakLine();
  };

  /** Alt-Enter: the line stays on the screen, and the message goes on below it. */
  #breakLine(): void {
    const line = this.#readline.line;
    this.#readline.write(null, { ctrl: true, name: 'e' });
    this.#readline.write(null, { ctrl: true, name: 'u' });
    const before = this.#lines.length === 0 ? this.#settings.prompt : this.#settings.continuation;
    if (this.#gate.open) process.stdout.write(`\r${before}${line}\n`);
    this.#lines.push(line);
    if (this.#gate.open) this.prompt();
  }

  #onLine(line: string): void {
    const continues = !this.#pasting && line.endsWith('\\') && !line.endsWith('\\\\');
    this.#lines.push(continues ? line.slice(0, -1) : line);
    const fences = this.#lines.filter((one) => FENCE.test(one)).length;
    if (this.#pasting || continues || fences % 2 === 1) {
      if (this.#gate.open) this.prompt();
      return;
    }
    const message = this.#lines.join('\n');
    this.#lines = [];
    this.#events.message(message);
  }

  #onInterrupt(): void {
    const hadText = this.#readline.line !== '' || this.#lines.length > 0;
    this.#lines = [];
    this.#pasting = false;
    // What was typed stays to be seen; the editor forgets it without drawing an empty prompt below.
    const shown = this.#gate.open;
    this.#gate.open = false;
    this.#readline.write(null, { ctrl: true, name: 'e' });
    this.#readline.write(null, { ctrl: true, name: 'u' });
    if (shown) process.stdout.write('\n');
    this.#events.interrupt(hadText);
  }
}
