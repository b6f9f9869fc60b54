// SPDX-License-Identifier: Apache-2.0
// What a page says, as plain text: its bytes decoded, its markup read and left out. Work for a processor, done on the pool.

import { convert } from 'html-to-text';

/** A body as it came. */
export interface PageSource {
  readonly body: Uint8Array;
  /** The `Content-Type` header; empty when there was none. */
  readonly content_type: string;
}

/** What is read of it. */
export interface PageText {
  readonly type: string;
  readonly title: string;
  readonly text: string;
}

/** Bytes of a page in which it may say how it is written; browsers look no further either. */
const DECLARED_WITHIN = 1_024;
const TITLE_MOST = 300;
/** Elements inside one another that are followed, and elements looked at: what a person wrote has far fewer. */
const DEPTH_MOST = 100;
const NODES_MOST = 200_000;

const READABLE =
  /^(?:text\/.*|application\/(?:json|xml|xhtml\+xml|javascript|ecmascript|yaml|x-yaml|toml|sql|rtf)|application\/.*\+(?:json|xml)|image\/svg\+xml)$/;
const HTML = /^(?:text\/html|application\/xhtml\+xml)$/;

/** The text of a body; undefined when it is none: an image, an archive, a document in a format of its own. */
export function pageText({ body, content_type }: PageSource): PageText | undefined {
  const declared = content_type.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const start = new TextDecoder('latin1').decode(body.subarray(0, DECLARED_WITHIN));
  const type = declared === '' ? guessed(start) : declared;
  if (!READABLE.test(type)) return undefined;
  const source = decoder(content_type, HTML.test(type) ? start : '').decode(body);
  if (!HTML.test(type)) return { type, title: '', text: source.trim() };
  return { type, title: titleOf(source), text: textOf(source) };
}

/** A page without a type is what it looks like. */
function guessed(start: string): string {
  if (/^\s*<(?:!doctype html|html|head|body)\b/i.test(start)) return 'text/html';
  return start.includes('\0') ? 'application/octet-stream' : 'text/plain';
}

/** By the header, else by what the page says of itself, else UTF-8. A name nobody knows is taken for UTF-8. */
function decoder(content_type: string, start: string): InstanceType<typeof TextDecoder> {
  const named = /charset\s*=\s*["']?([\w.:-]+)/i;
  const label = named.exec(content_type)?.[1] ?? named.exec(start)?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(label);
  } catch {
    return new TextDecoder();
  }
}

function titleOf(html: string): string {
  const open = /<title[^>]{0,200}>/i.exec(html);
  if (open === null) return '';
  const from = open.index + open[0].length;
  const inside = html.slice(from, from + TITLE_MOST * 4).split(/<\/title/i, 1)[0] ?? '';
  return convert(inside, { wordwrap: false }).replace(/\s+/g, ' ').slice(0, TITLE_MOST).toWellFormed();
}

function textOf(html: string): string {
  return convert(html, {
    wordwrap: false,
    limits: { maxDepth: DEPTH_MOST, maxChildNodes: NODES_MOST, maxInputLength: html.length },
    selectors: [
      { selector: 'img', format: 'skip' },
      { selector: 'svg', format: 'skip' },
      { selector: 'nav', format: 'skip' },
      { selector: 'form', format: 'skip' },
      { selector: 'noscript', format: 'skip' },
      // The first cell would be a heading's if it were upper-cased.
      { selector: 'table', format: 'dataTable', options: { uppercaseHeaderCells: false } },
      ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { uppercase: false } })),
      { selector: 'a', options: { hideLinkHrefIfSameAsText: true, noAnchorUrl: true } },
    ],
  })
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}
