// SPDX-License-Identifier: Apache-2.0
// Asks for text on a terminal without showing it, several pasted lines included.

import { interrupted } from './cli-error.ts';

/** Pasted text arrives between these marks, so that a line end in it ends nothing. */
const PASTE = { ask: '\u001b[?2004h', leave: '\u001b[?2004l', begin: '\u001b[200~', end: '\u001b[201~' };
/** Characters taken at most; what comes beyond is what no secret is. */
const MOST = 65_536;
const ESCAPE = '\u001b';
/** What follows an escape: a control sequence, or one key. */
const SEQUENCE = /^(?:\[[0-9;?]*[ -/]*[@-~]|O.|.)/s;
const CONTROL_C = '\u0003';
const CONTROL_D = '\u0004';
const CONTROL_U = '\u0015';
const ERASE = new Set(['\u007f', '\b']);

/** What came of some input: nothing yet, the whole text, or that it was given up. */
export type Typed =
  | { readonly is: 'more' }
  | { readonly is: 'done'; readonly text: string }
  | { readonly is: 'interrupted' };

/** What has been typed so far, key by key. */
export class HiddenLine {
  #text = '';
  #pasting = false;
  #rest = '';

  take(input: string): Typed {
    let left = this.#rest + input;
    this.#rest = '';
    while (left !== '') {
      if (left.startsWith(PASTE.begin) || left.startsWith(PASTE.end)) {
        this.#pasting = left.startsWith(PASTE.begin);
        left = left.slice(PASTE.begin.length);
        continue;
      }
      if (PASTE.begin.startsWith(left) || PASTE.end.startsWith(left)) {
        // The rest of a mark is still on its way.
        this.#rest = left;
        break;
      }
      // Keys that move a cursor nobody sees do nothing.
      const sequence =
        !this.#pasting && left.startsWith(ESCAPE) ? (SEQUENCE.exec(left.slice(1))?.[0] ?? '') : undefined;
      const key = sequence === undefined ? String.fromCodePoint(left.codePointAt(0) ?? 0) : ESCAPE + sequence;
      left = left.slice(key.length);
      if (sequence !== undefined) continue;
      const done = this.#key(key);
      if (done !== undefined) return done;
    }
    return { is: 'more' };
  }

  #key(key: string): Typed | undefined {
    if (this.#pasting) this.#add(key === '\r' ? '\n' : key);
    else if (key === '\r' || key === '\n') return { is: 'done', text: this.#text };
    else if (key === CONTROL_C || (key === CONTROL_D && this.#text === '')) return { is: 'interrupted' };
    else if (key === CONTROL_U) this.#text = '';
    else if (ERASE.has(key)) this.#text = [...this.#text].slice(0, -1).join('');
    else if (key >= ' ') this.#add(key);
    return undefined;
  }

  #add(text: string): void {
    if (this.#text.length < MOST) this.#text += text;
  }
}

/**
 * Asks on the terminal of stdin; the question goes to stderr and the answer nowhere.
 *
 * @throws CliError `interrupted`
 */
export function askHidden(question: string): Promise<string> {
  const { stdin, stderr } = process;
  return new Promise((resolve, reject) => {
    const line = new HiddenLine();
    const end = (): void => {
      stdin.off('data', hear).off('end', gone).pause();
      stdin.setRawMode(false);
      stderr.write(`${PASTE.leave}\n`);
    };
    const gone = (): void => {
      end();
      reject(interrupted());
    };
    const hear = (text: string): void => {
      const said = line.take(text);
      if (said.is === 'more') return;
      if (said.is === 'interrupted') return gone();
      end();
      resolve(said.text);
    };
    // Silent before it asks: whoever is quick types into silence as well.
    stdin.setRawMode(true);
    stdin.setEncoding('utf8').on('data', hear).on('end', gone);
    stderr.write(`${question}${PASTE.ask}`);
  });
}
