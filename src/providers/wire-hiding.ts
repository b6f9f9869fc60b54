// SPDX-License-Identifier: Apache-2.0
// Keeps keys out of what is shown of a vendor's traffic: by the names of headers and parameters, and by known values.

import { isUtf8 } from 'node:buffer';
import type { WireEncoding, WireHeader } from './wire-entry.ts';

/** Hides every secret value that is known. */
export type HideKnown = (text: string) => string;

const HIDDEN = '***';
/** A part of a header's or a parameter's name that says that its value opens something. */
const SECRET_NAME =
  /(?:^|[-_])(?:key|apikey|token|secret|password|passwd|auth|authorization|cookie|sig|signature|credential)$/i;
/** The scheme before a credential (RFC 9110 §11.4) is none. */
const SCHEME = /^[a-z][a-z0-9-]* +(?=\S)/i;

/** Headers with the values of those hidden that carry keys, whatever they are, and known secrets in all others. */
export function shownHeaders(headers: Iterable<WireHeader>, hide: HideKnown): readonly WireHeader[] {
  return Array.from(headers, ([name, value]) => {
    if (!SECRET_NAME.test(name)) return [name, hide(value)] as const;
    const scheme = /authorization$/i.test(name) ? (SCHEME.exec(value)?.[0] ?? '') : '';
    return [name, value === '' ? '' : scheme + HIDDEN] as const;
  });
}

/** An address without the keys in it. */
export function shownUrl(address: URL, hide: HideKnown): string {
  const url = new URL(address);
  if (url.username !== '') url.username = HIDDEN;
  if (url.password !== '') url.password = HIDDEN;
  for (const name of new Set(url.searchParams.keys())) if (SECRET_NAME.test(name)) url.searchParams.set(name, HIDDEN);
  return hide(url.href);
}

/** Characters told in one piece. */
const PIECE = 4 * 1024;
/** Characters of one line that wait for its end. */
const LINE_MOST = 192 * 1024;
/** Kept back of a longer one: the longest a secret can be written, three characters for each of its bytes. */
const KEPT_BACK = 64 * 1024;

const LOW_SURROGATE = /^[\udc00-\udfff]/;

/** A text in pieces of a bounded length, none of which ends inside a character. */
export function* piecesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const to = at + PIECE;
    const end = LOW_SURROGATE.test(text.slice(to, to + 1)) ? to + 1 : to;
    yield text.slice(at, end);
    at = end;
  }
}

/** Bytes at the end of a text that begin a character and do not finish it. */
function unfinished(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte >> 6 === 0b10) continue;
    const length = byte >> 5 === 0b110 ? 2 : byte >> 4 === 0b1110 ? 3 : byte >> 3 === 0b11110 ? 4 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

/**
 * Text of a body that comes in chunks. It is handed on in whole lines, and the last one at the body's end, for a secret that
 * a chunk cuts in two would be found in neither half.
 */
export class BodyText {
  readonly #hide: HideKnown;
  readonly #tell: (text: string, encoding: WireEncoding) => void;
  #encoding: WireEncoding = 'utf8';
  #rest: Buffer = Buffer.alloc(0);
  #line = '';

  constructor(hide: HideKnown, tell: (text: string, encoding: WireEncoding) => void) {
    this.#hide = hide;
    this.#tell = tell;
  }

  push(chunk: Uint8Array): void {
    const more = this.#decoded(Buffer.concat([this.#rest, chunk]));
    const within = more.lastIndexOf('\n');
    const end = within < 0 ? 0 : this.#line.length + within + 1;
    this.#line += more;
    if (end > 0) {
      this.#hand(this.#hide(this.#line.slice(0, end)));
      this.#line = this.#line.slice(end);
    }
    if (this.#line.length <= LINE_MOST) return;
    const hidden = this.#hide(this.#line);
    const cut = Math.max(0, hidden.length - KEPT_BACK);
    this.#hand(hidden.slice(0, cut));
    this.#line = hidden.slice(cut);
  }

  /** Nothing more comes. */
  end(): void {
    if (this.#rest.length > 0) this.#latin1();
    this.#line += this.#rest.toString('latin1');
    this.#rest = Buffer.alloc(0);
    this.#hand(this.#hide(this.#line));
    this.#line = '';
  }

  #decoded(bytes: Buffer): string {
    if (this.#encoding === 'utf8') {
      const end = bytes.length - unfinished(bytes);
      const whole = bytes.subarray(0, end);
      if (isUtf8(whole)) {
        this.#rest = bytes.subarray(end);
        return whole.toString();
      }
      this.#latin1();
    }
    this.#rest = Buffer.alloc(0);
    return bytes.toString('latin1');
  }

  /** It was no UTF-8 after all: from here on a character is a byte, and nothing is lost. */
  #latin1(): void {
    this.#line = Buffer.from(this.#line).toString('latin1');
    this.#encoding = 'latin1';
  }

  #hand(text: string): void {
    for (const piece of piecesOf(text)) this.#tell(piece, this.#encoding);
  }
}
