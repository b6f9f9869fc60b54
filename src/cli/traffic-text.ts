// SPDX-License-Identifier: Apache-2.0
// Entries of providers' traffic as a person reads them: bodies indented, answers line by line, deltas joined to lines.

import { type JsonObject, number, object, parsed, text } from './json-reading.ts';
import type { Paint } from './output.ts';
import { oneLine, visible } from './terminal-text.ts';

/** What is not yet shown of a call. */
interface Unshown {
  /** The request's body, until its last piece. */
  request: string;
  /** The answer's body: all of a document, else its last line, which is not over. */
  answer: string;
  /** The answer is one document and shown as such when it is whole. */
  document: boolean;
  /** A line of text, or of thinking, that is not over. */
  said: string;
  saying: string;
}

/** Characters of a document that are waited for before it is shown as it comes. */
const DOCUMENT_MOST = 4 * 1024 * 1024;
/** Calls at once of which something waits; the eldest is shown as far as it is known when there are more. */
const CALLS_MOST = 256;
/** Enough of a call's id to tell it from others. */
const ID_SHOWN = 6;

export class TrafficText {
  readonly #paint: Paint;
  readonly #calls = new Map<string, Unshown>();

  constructor(paint: Paint) {
    this.#paint = paint;
  }

  /** The lines an entry comes to; every line begins with the call's id. */
  take(entry: JsonObject): readonly string[] {
    const call = text(entry['call']);
    const id = oneLine(call.slice(-ID_SHOWN));
    const unshown = this.#calls.get(call) ?? { request: '', answer: '', document: false, said: '', saying: '' };
    this.#calls.set(call, unshown);
    const lines = this.#lines(entry, unshown);
    const nothing = unshown.request + unshown.answer + unshown.said === '' && !unshown.document;
    if (nothing) this.#calls.delete(call);
    const [eldest] = this.#calls;
    const over = this.#calls.size > CALLS_MOST && eldest !== undefined ? this.#restOf(...eldest) : [];
    return [...over, ...lines.map((line) => `${this.#paint.dim(id)}  ${line}`.trimEnd())];
  }

  /** What is left of calls that have not ended. */
  rest(): readonly string[] {
    return [...this.#calls].flatMap(([call, unshown]) => this.#restOf(call, unshown));
  }

  #restOf(call: string, unshown: Unshown): readonly string[] {
    this.#calls.delete(call);
    const id = this.#paint.dim(oneLine(call.slice(-ID_SHOWN)));
    const lines = [...this.#requestBody(unshown), ...this.#answerRest(unshown), ...this.#saidRest(unshown)];
    return lines.map((line) => `${id}  ${line}`.trimEnd());
  }

  #lines(entry: JsonObject, unshown: Unshown): readonly string[] {
    const paint = this.#paint;
    const head = (mark: string, what: string): string => {
      const at = paint.dim(oneLine(text(entry['at'])).slice(11, 23));
      return `${at}  ${mark} ${oneLine(text(entry['provider']))}  ${what}`;
    };
    switch (text(entry['kind'])) {
      case 'call': {
        const turn = text(entry['turn_id']);
        const model = oneLine(text(entry['model']));
        const what = [oneLine(text(entry['purpose'])), model, turn === '' ? '' : `turn ${oneLine(turn)}`];
        return [head(paint.bold('•'), paint.bold(what.filter((part) => part !== '').join('  ')))];
      }
      case 'request': {
        const what = `${oneLine(text(entry['method']))} ${oneLine(text(entry['url']))}`;
        return [head(paint.cyan('→'), paint.cyan(what)), ...this.#headers(entry)];
      }
      case 'request_body':
        unshown.request += text(entry['text']);
        return entry['last'] === false ? [] : this.#requestBody(unshown);
      case 'answer': {
        const status = number(entry['status']);
        const colour = status < 400 ? paint.green : paint.red;
        const what = `${status} ${oneLine(text(entry['reason']))}`.trim();
        unshown.document = /\bjson\b/i.test(headerOf(entry, 'content-type'));
        return [head(colour('←'), `${colour(what)} after ${number(entry['after_ms'])} ms`), ...this.#headers(entry)];
      }
      case 'answer_body':
        unshown.answer += text(entry['text']);
        if (unshown.answer.length > DOCUMENT_MOST) unshown.document = false;
        return unshown.document ? [] : this.#answerLines(unshown);
      case 'answer_end': {
        const bytes = `${number(entry['body_bytes'])} bytes`;
        const end =
          entry['whole'] === true
            ? head(paint.green('←'), `the answer is whole, ${bytes}`)
            : head(paint.red('←'), paint.red(`broken off after ${bytes}: ${oneLine(text(entry['why']))}`));
        return [...this.#answerRest(unshown), end];
      }
      case 'no_answer':
        return [head(paint.red('←'), paint.red(`no answer: ${oneLine(text(entry['why']))}`))];
      case 'event':
        return this.#event(object(entry['event']), unshown);
      case 'end': {
        const took = `${number(entry['took_ms'])} ms`;
        const what = entry['outcome'] === 'cancelled' ? paint.yellow(`cancelled after ${took}`) : `over after ${took}`;
        return [...this.#saidRest(unshown), head(paint.bold('•'), what)];
      }
      default:
        // A newer gateway may tell more.
        return [head('?', oneLine(JSON.stringify(entry)))];
    }
  }

  #headers(entry: JsonObject): readonly string[] {
    return headersOf(entry).map(([name, value]) => `    ${this.#paint.dim(`${oneLine(name)}:`)} ${oneLine(value)}`);
  }

  #requestBody(unshown: Unshown): readonly string[] {
    const lines = bodyLines(unshown.request);
    unshown.request = '';
    return lines;
  }

  /** Whole lines of an answer, as they came. */
  #answerLines(unshown: Unshown): readonly string[] {
    const lines = unshown.answer.split('\n');
    unshown.answer = lines.pop() ?? '';
    return lines.map((line) => this.#raw(line));
  }

  #answerRest(unshown: Unshown): readonly string[] {
    const { answer, document } = unshown;
    unshown.answer = '';
    unshown.document = false;
    if (answer === '') return [];
    return document ? bodyLines(answer) : answer.split('\n').map((line) => this.#raw(line));
  }

  #raw(line: string): string {
    return `    ${this.#paint.dim('|')} ${visible(line.replace(/\r$/, ''))}`;
  }

  #event(event: JsonObject, unshown: Unshown): readonly string[] {
    const type = text(event['type']);
    const what = type === 'text_delta' ? 'text' : type === 'thinking_delta' ? 'thinking' : '';
    if (what === '') return [...this.#saidRest(unshown), this.#made(...eventText(type, event))];
    const before = unshown.saying === what ? [] : this.#saidRest(unshown);
    const lines = (unshown.said + text(event['text'])).split('\n');
    unshown.said = lines.pop() ?? '';
    unshown.saying = what;
    return [...before, ...lines.map((line) => this.#made(what, line))];
  }

  #saidRest(unshown: Unshown): readonly string[] {
    const { said, saying } = unshown;
    unshown.said = '';
    unshown.saying = '';
    return said === '' ? [] : [this.#made(saying, said)];
  }

  #made(what: string, said: string): string {
    const paint = this.#paint;
    return `    ${what === 'error' ? paint.red('= error') : paint.yellow(`= ${oneLine(what)}`)} ${visible(said)}`;
  }
}

function eventText(type: string, event: JsonObject): readonly [string, string] {
  switch (type) {
    case 'tool_call':
      return [type, `${text(event['name'])} ${text(event['arguments'])} (${text(event['id'])})`];
    case 'usage': {
      const count = (name: string): string => String(number(event[name]));
      const cached = `${count('cache_read_tokens')} read from a cache, ${count('cache_write_tokens')} written to it`;
      const how = event['estimated'] === true ? ', estimated' : '';
      return [type, `${count('input_tokens')} in, ${count('output_tokens')} out, ${cached}${how}`];
    }
    case 'done':
      return [type, text(event['finish_reason'])];
    case 'error': {
      const details = object(event['details']);
      const more = Object.keys(details).length === 0 ? '' : ` ${JSON.stringify(details)}`;
      return [type, `${text(event['code'])}: ${text(event['message'])}${more}`];
    }
    default:
      return [type, JSON.stringify(event)];
  }
}

function headersOf(entry: JsonObject): readonly (readonly [string, string])[] {
  const headers = entry['headers'];
  if (!Array.isArray(headers)) return [];
  return headers.flatMap((pair: unknown) => (Array.isArray(pair) ? [[text(pair[0]), text(pair[1])] as const] : []));
}

function headerOf(entry: JsonObject, name: string): string {
  return headersOf(entry).find(([of]) => of.toLowerCase() === name)?.[1] ?? '';
}

/** A body that is JSON indented, any other as it is. */
function bodyLines(body: string): readonly string[] {
  if (body === '') return [];
  const value = parsed(body);
  const shown = value === undefined ? body : JSON.stringify(value, null, 2);
  return shown.split('\n').map((line) => `    ${visible(line)}`);
}
