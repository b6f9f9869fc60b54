// SPDX-License-Identifier: Apache-2.0
// The tools `memory_recall` and `memory_summary`: what comes to mind about a topic, and what a stretch of time came down to.

import { foundSimilar, rankHits, tellingText } from './memory.ts';
import type { MemorySummary } from './memory-port.ts';
import { answer, problem, type Tool } from './tool.ts';

const TOPIC = 500;
/** Of each kind of thing. */
const RECALLED = 10;
/** Looked through for them, see `memory_search`. */
const SEARCHED = 100;
const SUMMARIES = 20;
/** How much of one summary is shown, in UTF-16 units. */
const SHOWN = 2_000;

function shown({ content, from, to }: MemorySummary): Readonly<Record<string, unknown>> {
  const text = content.length > SHOWN ? `${content.slice(0, SHOWN).toWellFormed()}…` : content;
  return { text, from, to };
}

export const memoryRecall: Tool = {
  name: 'memory_recall',
  description: [
    'Recalls what this workspace knows about a topic: facts, what was said about it, what summaries of earlier',
    'conversations say, and what is alike in meaning. Wider than memory_search; use it when a question needs background.',
    'Returns {"known": […], "messages": [{"said_by", "text", "at"}], "summaries": [{"text", "from", "to"}], "similar":',
    '[{"said_by", "text", "at", "score"}]}.',
  ].join(' '),
  inputSchema: {
    type: 'object',
    properties: {
      topic: { type: 'string', minLength: 1, maxLength: TOPIC, description: 'A topic, such as "the new kitchen".' },
    },
    required: ['topic'],
    additionalProperties: false,
  },
  capabilities: [],
  safe: true,
  timeoutMs: 15_000,
  idempotent: true,
  serial: false,
  async execute(args, context) {
    const topic = tellingText(String(args['topic']));
    if (topic === '') return problem('The topic holds no word to look for.');
    const { turn_id } = context;
    const { known, messages, summaries, similar } = await context.memory.recall(topic, SEARCHED);
    const shownKnown = rankHits([], turn_id, RECALLED, known);
    const shownMessages = rankHits(messages, turn_id, RECALLED);
    const told = new Set([...shownKnown, ...shownMessages].map(({ text }) => text));
    return answer({
      known: shownKnown,
      messages: shownMessages,
      summaries: summaries.slice(0, RECALLED).map(shown),
      similar: foundSimilar(similar, turn_id)
        .filter(({ text }) => !told.has(text))
        .slice(0, RECALLED),
    });
  },
};

export const memorySummary: Tool = {
  name: 'memory_summary',
  description: [
    'Reads the summaries of what was said here between two times, the newest first.',
    'Returns {"summaries": [{"text", "from", "to"}]}; nothing when that time was not summed up yet.',
  ].join(' '),
  inputSchema: {
    type: 'object',
    properties: {
      from: { type: 'string', maxLength: 40, description: 'RFC 3339 or a date, such as "2026-01-31".' },
      to: { type: 'string', maxLength: 40, description: 'The same; now when absent.' },
    },
    required: ['from'],
    additionalProperties: false,
  },
  capabilities: [],
  safe: true,
  timeoutMs: 15_000,
  idempotent: true,
  serial: false,
  async execute(args, context) {
    const from = timeOf(String(args['from']), 0);
    // The whole day, when it is a date that is meant.
    const to = args['to'] === undefined ? context.now() : timeOf(String(args['to']), DAY);
    if (from === undefined || to === undefined) return problem('A time is RFC 3339 or a date, such as 2026-01-31.');
    const summaries = await context.memory.summaries(from, to, SUMMARIES);
    return answer({ summaries: summaries.map(shown) });
  },
};

const DAY = 86_400_000;
const DATE = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/i;

/** Epoch milliseconds of a time, or of a date moved by `ofDate`; undefined when it is neither. Without a zone it is UTC. */
function timeOf(text: string, ofDate: number): number | undefined {
  const [match, year, month, day, hour, minute, second, zone] = DATE.exec(text.trim()) ?? [];
  if (match === undefined) return undefined;
  const [y, m, d] = [Number(year), Number(month), Number(day)];
  if (m < 1 || m > 12 || d < 1 || d > 31 || Number(hour ?? 0) > 23 || Number(minute ?? 0) > 59) return undefined;
  const midnight = daysBefore(y, m, d) * DAY;
  if (hour === undefined) return midnight + ofDate;
  const [offHour, offMinute] = /^[+-]/.test(zone ?? '') ? [Number(zone?.slice(0, 3)), Number(zone?.slice(4))] : [0, 0];
  const offset = offHour * 60 + (zone?.startsWith('-') === true ? -offMinute : offMinute);
  return midnight + ((Number(hour) * 60 + Number(minute) - offset) * 60 + Number(second ?? 0)) * 1_000;
}

/** Days from 1970-01-01 to a date of the proleptic Gregorian calendar. */
function daysBefore(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const ofEra = y - era * 400;
  const ofYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468;
}
