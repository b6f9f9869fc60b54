// SPDX-License-Identifier: Apache-2.0
// Where a command writes: results to stdout, everything else to stderr, colours only where they are wanted.

import { styleText } from 'node:util';

/** Paints text, or leaves it alone where colours are off. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

/** A command's way out. */
export interface Output {
  /** Exactly one JSON document goes to stdout, and nothing else. */
  readonly json: boolean;
  readonly verbose: boolean;
  /** A person reads stdout on a terminal that can be drawn on. */
  readonly terminal: boolean;
  /** The same of stderr, where progress is shown. */
  readonly progress: boolean;
  /** For stdout. */
  readonly paint: Paint;
  /** For stderr. */
  readonly notePaint: Paint;
  /** Columns of the terminal; 100 where there is none. */
  width(): number;
  rows(): number;
  write(text: string): void;
  line(text?: string): void;
  /** A line on stderr. */
  note(text: string): void;
  /** The JSON document. */
  document(value: unknown): void;
  /** Calls back once nobody reads stdout any more. */
  onClosed(run: () => void): void;
  /** Settles when all that was written has left the process. */
  flushed(): Promise<void>;
}

/** The settings that decide about colours. */
export interface ColourWish {
  readonly noColor: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

function paintWith(on: boolean): Paint {
  type Format = Parameters<typeof styleText>[0];
  const style = (format: Format) => (text: string) =>
    on && text !== '' ? styleText(format, text, { validateStream: false }) : text;
  return {
    bold: style('bold'),
    dim: style('dim'),
    red: style('red'),
    green: style('green'),
    yellow: style('yellow'),
    cyan: style('cyan'),
  };
}

/** `--no-color` and `NO_COLOR` win over `FORCE_COLOR`, which wins over what the stream is. */
export function coloursWanted({ noColor, env }: ColourWish, isTerminal: boolean): boolean {
  if (noColor || (env['NO_COLOR'] ?? '') !== '') return false;
  const force = env['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  return isTerminal && env['TERM'] !== 'dumb';
}

/**
 * A document as text. JSON leaves C1 controls and text direction marks as they are; a terminal obeys them, so they are
 * escaped, which any reader undoes.
 */
export function documentText(value: unknown, indent: number): string {
  return JSON.stringify(value, null, indent).replaceAll(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The output of this process. */
export function processOutput(settings: { json: boolean; verbose: boolean; noColor: boolean }): Output {
  const { stdout, stderr, env } = process;
  if (settings.noColor) {
    // What libraries paint by themselves is decided by the environment.
    env['NO_COLOR'] = '1';
    delete env['FORCE_COLOR'];
  }
  const drawable = env['TERM'] !== 'dumb';
  const wish = { noColor: settings.noColor, env };
  const listeners: (() => void)[] = [];
  let closed = false;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    // The reader has seen enough (`| head`): nothing went wrong, and there is nobody to tell.
    if (closed) return;
    closed = true;
    for (const listener of listeners) listener();
  });
  // Nobody reads the notes: what they are about goes on.
  stderr.on('error', () => undefined);
  const write = (text: string): void => {
    if (!closed) stdout.write(text);
  };
  return {
    json: settings.json,
    verbose: settings.verbose,
    terminal: stdout.isTTY === true && drawable,
    progress: stderr.isTTY === true && drawable,
    paint: paintWith(coloursWanted(wish, stdout.isTTY === true)),
    notePaint: paintWith(coloursWanted(wish, stderr.isTTY === true)),
    width: () => (stdout.isTTY === true && stdout.columns > 0 ? stdout.columns : 100),
    rows: () => (stdout.isTTY === true && stdout.rows > 0 ? stdout.rows : 24),
    write,
    line: (text = '') => write(`${text}\n`),
    note: (text) => stderr.write(`${text}\n`),
    document: (value) => write(`${documentText(value, 2)}\n`),
    onClosed: (run) => listeners.push(run),
    flushed: () =>
      new Promise((resolve) => {
        if (closed) resolve();
        else stdout.write('', () => resolve());
      }),
  };
}
