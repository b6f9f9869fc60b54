// SPDX-License-Identifier: Apache-2.0
// What a whole clause is: a request, a greeting, a question about the model itself, or something no rule fits.

import { behind, phrasesOf, readRequest, skipFillers } from './intents.ts';
import { ADD_PROVIDER, GOODBYE, GREETING, HELP, THANKS, WELL, WHO } from './phrases.ts';
import type { Piece } from './piece.ts';
import { type Words, wordsOf } from './words.ts';

const answers = (list: string, answer: string) => list.split('|').map((text) => [text, answer] as const);

const SMALL_TALK: ReadonlyMap<string, string> = new Map([
  ...answers('thanks|thank you|thank you very much|thanks a lot|many thanks|cheers', THANKS),
  ...answers('bye|goodbye|good bye|good night|see you', GOODBYE),
  ...answers('how are you|how are you doing|how are you today|how is it going', WELL),
  ...answers('who are you|what are you|what is your name|which model are you|what model are you|are you a bot', WHO),
  ...answers('help|help me|/help|what can you do|what do you do|how do you work|what can i ask', HELP),
]);

const GREETINGS = phrasesOf('hi|hello|hey|hiya|howdy|greetings|good morning|good afternoon|good evening|yo');

/** May follow a greeting without being a question; the empty one is a word of nothing but punctuation. */
const COMPANY = new Set('there|sigil|everyone|everybody|all|again|friend|you|world|'.split('|'));

const SPELLINGS: ReadonlyMap<string, string> = new Map([
  ["what's", 'what is'],
  ["how's", 'how is'],
  ["who're", 'who are'],
]);

const VENDORS = new Set(
  'provider|providers|anthropic|claude|openai|gpt|chatgpt|google|gemini|openrouter|ollama'.split('|'),
);
const ADDING = new Set('how|add|set|configure|connect|use|need|change|where'.split('|'));
const LONGEST_QUESTION = 20;

/** Whether a question is about adding a provider, a key or another model. */
function asksForProvider(plain: readonly string[]): boolean {
  if (plain.length > LONGEST_QUESTION || !plain.some((word) => ADDING.has(word))) return false;
  const has = (list: string): boolean => list.split('|').some((word) => plain.includes(word));
  return (
    plain.some((word) => VENDORS.has(word)) ||
    (has('api') && has('key|keys')) ||
    (has('model|models|llm') && has('real|another|other|better'))
  );
}

function smallTalk({ plain }: Words): string | undefined {
  const from = skipFillers(plain);
  const spoken = plain.slice(from).filter((word) => word !== '');
  return SMALL_TALK.get(spoken.map((word) => SPELLINGS.get(word) ?? word).join(' '));
}

/** The pieces of one clause; a greeting in front of a question is one of its own. */
export function readClause(text: string): readonly Piece[] {
  const words = wordsOf(text);
  const talk = smallTalk(words);
  if (talk !== undefined) return [{ kind: 'say', text: talk }];
  const request = readRequest(words);
  if (request !== undefined) return [request];
  const { plain, written } = words;
  if (asksForProvider(plain)) return [{ kind: 'say', text: ADD_PROVIDER }];
  const unknown: Piece = { kind: 'unknown', heard: text };
  const greeted = behind(GREETINGS, plain, 0);
  if (greeted === undefined) return [unknown];
  const hello: Piece = { kind: 'say', text: GREETING };
  if (plain.slice(greeted).every((word) => COMPANY.has(word))) return [hello];
  const rest = { written: written.slice(greeted), plain: plain.slice(greeted) };
  const asked = readRequest(rest);
  if (asked !== undefined) return [hello, asked];
  const talked = smallTalk(rest);
  return talked !== undefined ? [hello, { kind: 'say', text: talked }] : [unknown];
}
