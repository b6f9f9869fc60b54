// SPDX-License-Identifier: Apache-2.0
// The tools `memory_search` and `memory_remember`: what was said in this workspace, found again by its words.

import type { KeptIn, Known, MemoryHit, SimilarHit, Statement } from './memory-port.ts';
import { answer, problem, type Tool } from './tool.ts';

/** The type of a thing that is known only because something was stated of it: `stores/knowledge-view.ts` has it so. */
const SUBJECT = 'subject';

const MOST_ITEMS = 50;
const USUAL_ITEMS = 10;
/** Searched beyond what is shown: the newest hits are often questions about a thing, the statement lies behind them. */
const SEARCHED = 200;
const MOST_WORDS = 12;
const EXCERPT = 500;

/** Left out of a search, because they say nothing about what is looked for. */
const SMALL_WORDS = new Set(
  (
    'a an and are as at be by do does for from has have i in is it me my of on or our that the this to was we were ' +
    'with you your'
  ).split(' '),
);

/**
 * A query without the words that say nothing, unless it has no others. What is left stands as it was written: quotes and
 * hyphens make phrases.
 */
export function tellingText(query: string): string {
  const words = query.slice(0, EXCERPT).toWellFormed().split(/\s+/);
  const held = words.filter((word) => /[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(word));
  const telling = held.filter((word) => !SMALL_WORDS.has(word.replace(/^\P{L}+|\P{L}+$/gu, '').toLowerCase()));
  return (telling.length > 0 ? telling : held).slice(0, MOST_WORDS).join(' ');
}

/** How a remembered statement is written: by this a search recognises one among the results of tools. */
const REMEMBERED = '{"remembered":';

function rememberedText(statement: Statement, keptIn: KeptIn): string {
  return JSON.stringify({ remembered: statement, kept_in: keptIn });
}

/** The statement that a result says was remembered; undefined for any other tool's result. */
export function rememberedIn(content: string): Partial<Statement> | undefined {
  if (!content.startsWith(REMEMBERED)) return undefined;
  try {
    return (JSON.parse(content) as { readonly remembered: Partial<Statement> }).remembered;
  } catch {
    return undefined;
  }
}

/** The same in words. */
function statementOf(content: string): string | undefined {
  const remembered = rememberedIn(content);
  if (remembered === undefined) return undefined;
  return [remembered.subject, remembered.predicate, remembered.value].join(' ');
}

export interface Found {
  readonly said_by: 'user' | 'assistant' | 'remembered' | 'summary';
  readonly text: string;
  readonly at: string;
  /** Of what is alike in meaning. */
  readonly score?: number;
}

function foundOf({ role, content, created_at }: MemoryHit): Found | undefined {
  if (role === 'system') return undefined;
  // Results of tools repeat what others said, earlier searches above all; only statements are news.
  const text = role === 'tool' ? statementOf(content) : content;
  if (text === undefined) return undefined;
  return { said_by: role === 'tool' ? 'remembered' : role, text: excerpt(text), at: created_at };
}

function excerpt(text: string): string {
  return text.length > EXCERPT ? `${text.slice(0, EXCERPT).toWellFormed()}…` : text;
}

/** What is known, in words; undefined for a thing of which nothing but the name is known. */
function knownText(known: Known): string | undefined {
  if (known.kind === 'fact') return [known.subject, known.predicate, known.value].join(' ');
  const { name, type, properties } = known;
  const said = Object.entries(properties).map(([key, value]) => {
    return `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`;
  });
  return said.length === 0 && type === SUBJECT ? undefined : `${name} (${[type, ...said].join('; ')})`;
}

function knownOf(known: Known): Found | undefined {
  const text = knownText(known);
  return text === undefined ? undefined : { said_by: 'remembered', text: excerpt(text), at: known.created_at };
}

/** What was stated stands before what was answered, and questions come last. */
function rank({ said_by, text }: Found): number {
  if (said_by === 'remembered') return 0;
  const asks = text.trimEnd().endsWith('?');
  return said_by === 'user' && !asks ? 1 : asks ? 3 : 2;
}

/** Hits as they are shown: without this turn's own, each text once, what is known first, else best first. */
export function rankHits(
  hits: readonly MemoryHit[],
  turn_id: string,
  limit: number,
  known: readonly Known[] = [],
): readonly Found[] {
  const found = new Map<string, Found>();
  for (const one of known) {
    const item = knownOf(one);
    if (item !== undefined && !found.has(item.text)) found.set(item.text, item);
  }
  for (const hit of hits) {
    const item = hit.turn_id === turn_id ? undefined : foundOf(hit);
    if (item !== undefined && !found.has(item.text)) found.set(item.text, item);
  }
  return [...found.values()].sort((a, b) => rank(a) - rank(b)).slice(0, limit);
}

/** What is alike, as it is shown: without this turn's own, each text once, in the order it came. */
export function foundSimilar(hits: readonly SimilarHit[], turn_id: string): readonly Found[] {
  const found = new Map<string, Found>();
  for (const { source, role, text, score, created_at, turn_id: turn } of hits) {
    if (role === 'system' || (source === 'message' && turn === turn_id)) continue;
    const said_by = source === 'summary' ? 'summary' : source === 'message' && role !== 'tool' ? role : 'remembered';
    const item: Found = {
      said_by: said_by ?? 'remembered',
      text: excerpt(text),
      at: created_at,
      score: rounded(score),
    };
    if (!found.has(item.text)) found.set(item.text, item);
  }
  return [...found.values()];
}

const rounded = (score: number): number => Math.round(score * 1_000) / 1_000;

export const memorySearch: Tool = {
  name: 'memory_search',
  description: [
    'Searches what is known and everything that was said in this workspace, in earlier sessions too. What holds all the',
    'words of the query comes first, and when there is nothing what holds some of them; words in quotes stand next to each',
    'other. Use a few telling words. Facts are said_by "remembered". Returns {"items": [{"said_by", "text", "at"}]}.',
  ].join(' '),
  inputSchema: {
    type: 'object',
    properties: {
      query: { type: 'string', minLength: 1, maxLength: EXCERPT, description: 'One or a few words, such as "tea".' },
      limit: {
        type: 'integer',
        minimum: 1,
        maximum: MOST_ITEMS,
        description: `At most so many; ${USUAL_ITEMS} when absent.`,
      },
    },
    required: ['query'],
    additionalProperties: false,
  },
  capabilities: [],
  safe: true,
  timeoutMs: 15_000,
  idempotent: true,
  serial: false,
  async execute(args, context) {
    const query = tellingText(String(args['query']));
    if (query === '') return problem('The query holds no word to look for.');
    const limit = typeof args['limit'] === 'number' ? args['limit'] : USUAL_ITEMS;
    const known = await context.memory.known(query, limit);
    const look = async (match: 'all' | 'any'): Promise<readonly Found[]> =>
      rankHits(await context.memory.search(query, match, SEARCHED), context.turn_id, limit, known);
    const all = await look('all');
    return answer({ query, items: all.length > 0 || !query.includes(' ') ? all : await look('any') });
  },
};

export const memoryRemember: Tool = {
  name: 'memory_remember',
  description: [
    'Keeps a statement as a fact, so that memory_search finds it by its words from now on, in later sessions too.',
    'Use it when somebody asks to remember something, for one statement a call.',
  ].join(' '),
  inputSchema: {
    type: 'object',
    properties: {
      subject: {
        type: 'string',
        minLength: 1,
        maxLength: 200,
        description: 'What it is about, such as "favourite tea of Ana".',
      },
      predicate: { type: 'string', minLength: 1, maxLength: 100, description: 'Such as "is".' },
      value: { type: 'string', minLength: 1, maxLength: 2000, description: 'Such as "oolong".' },
    },
    required: ['subject', 'predicate', 'value'],
    additionalProperties: false,
  },
  capabilities: ['memory.remember'],
  safe: true,
  timeoutMs: 15_000,
  // Keeping the same statement again adds nothing to know.
  idempotent: true,
  serial: false,
  async execute(args, context) {
    const statement = {
      subject: String(args['subject']),
      predicate: String(args['predicate']),
      value: String(args['value']),
    };
    const keptIn = await context.memory.remember(statement);
    // The result repeats the statement: it is journaled as a message, which is what makes "kept in history" true.
    return { content: rememberedText(statement, keptIn), is_error: false };
  },
};
