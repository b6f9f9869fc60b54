// SPDX-License-Identifier: Apache-2.0
// Turns "remember that …" into subject, predicate and value, and "what do you know about …" into what to look for.

import type { ToolPiece } from './piece.ts';
import { bare } from './words.ts';

/** Verbs that part what a statement is about from what it says. */
const VERBS = new Set(
  (
    'is are was were am has have had likes like loves love hates hate prefers prefer lives live works work wants ' +
    'want needs need means mean costs cost uses use plays play owns own drinks drink eats eat speaks speak must should will'
  ).split(' '),
);

const SUBJECT = 200;
const STATEMENT = 2000;
const TOPIC = 200;

/** Asking for oneself means: everything one asked to remember. */
const EVERYTHING = new Set(['me', 'myself', 'us', 'everything', 'anything']);

/** A statement to remember. */
export function remember(words: readonly string[]): ToolPiece {
  const statement = words.join(' ').slice(0, STATEMENT).toWellFormed();
  const verb = words.findIndex((word, index) => index > 0 && index < words.length - 1 && VERBS.has(word.toLowerCase()));
  const subject = words.slice(0, verb).join(' ');
  const fact =
    verb < 1 || subject.length > SUBJECT
      ? { subject: 'note', predicate: 'says', value: statement }
      : {
          subject: subject.toWellFormed(),
          predicate: words[verb] ?? 'is',
          value: words
            .slice(verb + 1)
            .join(' ')
            .slice(0, STATEMENT)
            .toWellFormed(),
        };
  return { kind: 'tool', tool: 'memory_remember', arguments: JSON.stringify(fact), about: statement };
}

/** What was to be remembered is to be forgotten: the whole statement, or all that is known of a subject. */
export function forget(words: readonly string[]): ToolPiece {
  const { arguments: json, about } = remember(words);
  const { subject, predicate, value } = JSON.parse(json) as Record<string, string>;
  const what = subject === 'note' && predicate === 'says' ? { subject: value } : { subject, predicate, value };
  return { kind: 'tool', tool: 'memory_forget', arguments: JSON.stringify(what), about };
}

/** A topic of which everything is to be told, or something that is like it. */
export function recall(tool: 'memory_recall' | 'memory_semantic', words: readonly string[]): ToolPiece {
  const topic = bare(words.join(' ')).slice(0, TOPIC).toWellFormed();
  const json = tool === 'memory_recall' ? { topic } : { query: topic };
  return { kind: 'tool', tool, arguments: JSON.stringify(json), about: topic };
}

/** Something to look for in what was said. */
export function search(words: readonly string[]): ToolPiece {
  const topic = bare(words.join(' ')).slice(0, TOPIC).toWellFormed();
  const query = EVERYTHING.has(topic.toLowerCase()) ? 'remember' : topic;
  return { kind: 'tool', tool: 'memory_search', arguments: JSON.stringify({ query }), about: topic };
}
