// SPDX-License-Identifier: Apache-2.0
// From a message to its pieces: cut into sentences, sentences into clauses where another question begins.

import { readRequest } from './intents.ts';
import { tooLong } from './phrases.ts';
import type { Piece } from './piece.ts';
import { readClause } from './small-talk.ts';
import { wordsOf } from './words.ts';

/** Longer messages are no short question; they are answered as such without being taken apart. */
const READ_LIMIT = 4000;
const MOST_PIECES = 16;
/** How many places of a sentence are tried as the beginning of another question: reading stays linear. */
const MOST_CUTS = 16;

const CUTS = [' and then ', ' and also ', ' and ', ' then ', '; ', ', '];

function sentencesOf(text: string): string[] {
  const sentences: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text.charAt(at);
    const next = text.charAt(at + 1);
    const stops =
      sign === '\n' ||
      sign === '?' ||
      ((sign === '.' || sign === '!') && (next === '' || next === ' ' || next === '\n'));
    if (!stops) continue;
    sentences.push(text.slice(start, at + 1));
    start = at + 1;
  }
  sentences.push(text.slice(start));
  return sentences.map((sentence) => sentence.trim()).filter((sentence) => sentence !== '');
}

/** Places where another question may begin, in order: before and behind what joins it to the last. */
function cutsOf(sentence: string): (readonly [number, number])[] {
  const cuts: (readonly [number, number])[] = [];
  for (let at = 0; at < sentence.length; at += 1) {
    if (!' ;,'.includes(sentence.charAt(at))) continue;
    const cut = CUTS.find((join) => sentence.startsWith(join, at));
    if (cut === undefined) continue;
    cuts.push([at, at + cut.length]);
    at += cut.length - 2;
  }
  return cuts.slice(-MOST_CUTS);
}

/** Clauses are told from the end: "and" begins another question only when what follows is one. */
function clausesOf(sentence: string): string[] {
  const clauses: string[] = [];
  let end = sentence.length;
  for (const [before, after] of cutsOf(sentence).reverse()) {
    const clause = sentence.slice(after, end);
    const request = readRequest(wordsOf(clause));
    if (request === undefined || request.kind === 'say') continue;
    clauses.unshift(clause);
    end = before;
  }
  clauses.unshift(sentence.slice(0, end));
  return clauses;
}

const same = (a: Piece, b: Piece): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What a person's message asks for, in order, each thing once. */
export function planOf(text: string): readonly Piece[] {
  if (text.length > READ_LIMIT) return [{ kind: 'say', text: tooLong(text) }];
  const pieces: Piece[] = [];
  for (const sentence of sentencesOf(text)) {
    for (const clause of clausesOf(sentence)) {
      for (const piece of readClause(clause)) {
        if (pieces.length < MOST_PIECES && !pieces.some((known) => same(known, piece))) pieces.push(piece);
      }
    }
  }
  return pieces.length > 0 ? pieces : [{ kind: 'unknown', heard: text }];
}
