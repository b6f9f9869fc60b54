// SPDX-License-Identifier: Apache-2.0
// What a search found, on a terminal: who said it, where and when, and the part with the words, which are made to stand out.

import { type JsonObject, object, text } from './json-reading.ts';
import type { Output } from './output.ts';
import { oneLine, visible } from './terminal-text.ts';
import { agoText } from './time-text.ts';

/** Places of found words as they came; what is no pair of numbers is none. */
function marksOf(value: unknown): readonly (readonly [number, number])[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((mark: unknown) => {
    const [from, to]: unknown[] = Array.isArray(mark) ? mark : [];
    return typeof from === 'number' && typeof to === 'number' ? [[from, to] as const] : [];
  });
}

/** A snippet on one line, its marks in colour. */
export function snippetText(snippet: JsonObject, { paint }: Output): string {
  const whole = text(snippet['text']);
  let line = '';
  let at = 0;
  for (const [from, to] of marksOf(snippet['marks'])) {
    if (from < at || to < from) continue;
    line += flat(whole.slice(at, from)) + paint.bold(paint.yellow(flat(whole.slice(from, to))));
    at = to;
  }
  return (line + flat(whole.slice(at))).trim();
}

/** Safe, and without line ends; spaces at the edges stay, for they part what stands next to each other. */
function flat(part: string): string {
  return visible(part).replaceAll(/\s+/g, ' ');
}

/** A found message as two lines. */
export function foundLines(found: JsonObject, output: Output, now: number): string[] {
  const { paint } = output;
  const role = oneLine(text(found['role']));
  const name = role === 'user' ? paint.cyan(role) : role === 'assistant' ? paint.green(role) : paint.yellow(role);
  const place = `${agoText(text(found['created_at']), now)}, session ${oneLine(text(found['session_id']))}`;
  return [`${name}  ${paint.dim(place)}`, `  ${snippetText(object(found['snippet']), output)}`];
}
