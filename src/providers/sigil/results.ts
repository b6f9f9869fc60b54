// SPDX-License-Identifier: Apache-2.0
// Puts what a tool answered into a sentence; an error is said as the error it is.

import type { Answered } from './conversation.ts';
import { readRequest } from './intents.ts';
import { quote, wordsOf } from './words.ts';

const ERRORS = ['tool_failed', 'tool_denied', 'tool_timeout'];
const SHOWN = 5;

const KEPT_IN_HISTORY =
  'It stays in this conversation’s history, where I find it again when you ask for it, in later conversations too.';

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(json: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}

const textOf = (fields: Fields | undefined, key: string): string => {
  const value = fields?.[key];
  return typeof value === 'string' ? value : '';
};

function sum(about: string, result: Fields): string | undefined {
  const value = textOf(result, 'result');
  if (value === '') return undefined;
  return result['rounded'] === true ? `${about} ≈ ${value} (rounded)` : `${about} = ${value}`;
}

const MONTHS = 'January|February|March|April|May|June|July|August|September|October|November|December'.split('|');

function time(result: Fields): string | undefined {
  const local = textOf(result, 'local');
  const zone = textOf(result, 'timezone');
  const month = MONTHS[Number(local.slice(5, 7)) - 1];
  if (month === undefined || zone === '') return undefined;
  const date = `${textOf(result, 'weekday')}, ${Number(local.slice(8, 10))} ${month} ${local.slice(0, 4)}`;
  return `It is ${local.slice(11, 19)} on ${date} (${zone}).`;
}

function remembered(about: string, result: Fields): string | undefined {
  const statement = about.replace(/[\s\p{Cc}]+/gu, ' ');
  switch (result['kept_in']) {
    case 'history':
      return `I will remember: ${statement}. ${KEPT_IN_HISTORY}`;
    case 'facts':
      return `I will remember: ${statement}.`;
    default:
      return undefined;
  }
}

/** A search finds earlier searches for the same thing too; nobody wants to be told those. */
function isQuestion(text: string): boolean {
  const piece = readRequest(wordsOf(text.slice(0, 200)));
  return piece?.kind === 'tool' && piece.tool === 'memory_search';
}

function itemsOf(fields: Fields, ...names: readonly string[]): readonly unknown[] {
  return names.flatMap((name) => (Array.isArray(fields[name]) ? (fields[name] as unknown[]) : []));
}

function found(about: string, items: unknown): string | undefined {
  if (!Array.isArray(items)) return undefined;
  const lines: string[] = [];
  const told: string[] = [];
  for (const item of items as unknown[]) {
    if (typeof item !== 'object' || item === null) continue;
    const fields = item as Fields;
    const text = textOf(fields, 'text');
    const by = textOf(fields, 'said_by');
    // A statement and the message that made it say the same; the statement comes first and is enough.
    const known = told.some((one) => text.includes(one));
    if (by === 'assistant' || known || isQuestion(text) || lines.length >= SHOWN) continue;
    if (by === 'remembered') told.push(text);
    const how = by === 'user' ? 'said' : by === 'remembered' ? 'remembered' : 'summed up';
    lines.push(`- ${quote(text)} (${how} ${(textOf(fields, 'at') || textOf(fields, 'to')).slice(0, 10)})`);
  }
  if (lines.length === 0) return `I found nothing about ${quote(about)} in what was said here.`;
  return `This is what I found about ${quote(about)}:\n${lines.join('\n')}`;
}

/** The answer made of one tool call and its result. `about` is what was asked for. */
export function sayResult({ call, result }: Answered, about: string): string {
  if (result === undefined) return `The tool “${call.name}” gave no answer for ${quote(about)}.`;
  const code = ERRORS.find((name) => result.startsWith(`${name}:`));
  if (code !== undefined) {
    const reason = result.slice(code.length + 1).trim();
    const said = `${code}: ${reason.slice(0, 500).toWellFormed()}`;
    return `I could not do ${quote(about)}. The tool “${call.name}” answered ${said}`;
  }
  const fields = fieldsOf(result);
  const said = fields === undefined ? undefined : phrase(call.name, about, fields);
  return said ?? `The tool “${call.name}” answered: ${quote(result)}`;
}

function phrase(tool: string, about: string, fields: Fields): string | undefined {
  switch (tool) {
    case 'calculator':
      return sum(about, fields);
    case 'clock':
      return time(fields);
    case 'memory_remember':
      return remembered(about, fields);
    case 'memory_search':
    case 'memory_semantic':
      return found(about, fields['items']);
    case 'memory_recall':
      return found(about, itemsOf(fields, 'known', 'messages', 'similar', 'summaries'));
    case 'memory_forget': {
      const gone = itemsOf(fields, 'forgotten').length;
      return gone === 0 ? `I know nothing of the kind: ${about}.` : `I have forgotten it: ${about}.`;
    }
    case 'session_list': {
      const sessions = itemsOf(fields, 'sessions') as readonly Fields[];
      const lines = sessions.slice(0, SHOWN).map((one) => {
        const title = textOf(one, 'title');
        return `- ${textOf(one, 'id')}${title === '' ? '' : ` ${quote(title)}`} (${textOf(one, 'updated_at').slice(0, 10)})`;
      });
      return `You have ${sessions.length} of them here:\n${lines.join('\n')}`;
    }
    default:
      return undefined;
  }
}
