// SPDX-License-Identifier: Apache-2.0
// Tells a question for the time or the date, here or in a place, from any other mention of time.

import { placeUnknown } from './phrases.ts';
import type { Piece } from './piece.ts';
import { zoneOf } from './places.ts';
import { bare, type Words } from './words.ts';

/** Questions as they are once {@link NEEDLESS} is left out. */
const QUESTIONS: ReadonlySet<string> = new Set(
  (
    'time|the time|date|the date|date and time|the date and time|the time and date|' +
    'what time is it|what time it is|what is the time|what is time|what date is it|what is the date|what is the day|' +
    "what is today's date|today's date|what day is it|which day is it|what day is|which day is|" +
    'what day of the week is it|what year is it|which year is it|what month is it|which month is it|' +
    'what is the date and time|what is the time and date|do you have the time|have you got the time|how late is it'
  ).split('|'),
);

/** The question means the same without these. */
const NEEDLESS = new Set(['now', 'right', 'current', 'currently', 'today', 'please', 'exact', 'local', 'here']);

const LONGEST = 14;

/** A call of the clock when the words from `from` on ask for the time; undefined when they do not. */
export function readTime(words: Words, from: number): Piece | undefined {
  const plain = words.plain.slice(from);
  if (plain.length > LONGEST) return undefined;
  const cut = plain.lastIndexOf('in');
  const asked = (cut > 0 ? plain.slice(0, cut) : plain).map((word) =>
    word === "what's" || word === 'whats' ? 'what is' : word,
  );
  const question = asked.filter((word) => !NEEDLESS.has(word)).join(' ');
  const today = asked.join(' ') === 'what is today';
  if (!QUESTIONS.has(question) && !today) return undefined;
  // Names of time zones have capitals, so a place is taken as it was written.
  const written = cut > 0 ? words.written.slice(from + cut + 1) : [];
  const place = bare(written.filter((word) => !NEEDLESS.has(bare(word).toLowerCase())).join(' '));
  if (place === '') return { kind: 'tool', tool: 'clock', arguments: '{}', about: 'the time' };
  const timezone = zoneOf(place);
  if (timezone === undefined) return { kind: 'say', text: placeUnknown(place) };
  return { kind: 'tool', tool: 'clock', arguments: JSON.stringify({ timezone }), about: `the time in ${place}` };
}
