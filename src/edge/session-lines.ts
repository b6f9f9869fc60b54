// SPDX-License-Identifier: Apache-2.0
// The lines of an exported session as they come in: read one by one, each checked, what is wrong named by its line.

import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../errors.ts';
import type { ExportedMessage, ExportedTurn } from '../stores/imported-turn.ts';
import { invalid } from './problem.ts';
import { MessageId, SessionId, WorkspaceId } from './schemas/fields.ts';
import { EXPORT_FORMAT } from './session-export.ts';

/** Longest line, in bytes: a message or a tool's result and what JSON makes of it. */
const LINE_BYTES = 8 * 1024 * 1024;

const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const tokens = z.int().nonnegative();
const wellFormed = z.string().refine((text) => text.isWellFormed(), { error: 'is not well-formed Unicode' });

const SessionLine = z.object({
  type: z.literal('session'),
  format: z.literal(EXPORT_FORMAT, { error: `is not ${EXPORT_FORMAT}: it was exported by another version of Sigil` }),
  id: SessionId,
  workspace_id: WorkspaceId,
  user_id: z.string().min(1).max(200),
  title: wellFormed.max(1_000),
  model: z.string().max(200),
  status: z.enum(['active', 'archived']),
  created_at: time,
});

const TurnLine = z.object({
  type: z.literal('turn'),
  id: z.string().min(1).max(200),
  status: z.enum(['queued', 'running', 'finished', 'failed']),
  model: z.string().max(400),
  reply_id: z.string().max(200).nullable(),
  content: wellFormed,
  finish_reason: z.enum(['stop', 'length', 'content_filter', 'cancelled']).nullable(),
  error: z
    .object({ code: z.string().refine((code): code is ErrorCode => Object.hasOwn(ERRORS, code)), message: wellFormed })
    .nullable(),
  usage: z.object({
    input_tokens: tokens,
    output_tokens: tokens,
    cache_read_tokens: tokens,
    cache_write_tokens: tokens,
    cost_usd: z.number().nonnegative(),
  }),
  created_at: time,
  started_at: time.nullable(),
  ended_at: time.nullable(),
});

const MessageLine = z.object({
  type: z.literal('message'),
  id: MessageId,
  turn_id: z.string(),
  role: z.enum(['user', 'assistant', 'tool']),
  content: wellFormed,
  tool_calls: z.array(z.object({ id: z.string(), name: z.string(), arguments: z.string() })).default([]),
  tool_call_id: z.string().default(''),
  is_error: z.boolean().default(false),
  truncated: z.boolean().default(false),
  created_at: time,
});

const EndLine = z.object({ type: z.literal('end'), turns: tokens, messages: tokens });

const Line = z.discriminatedUnion('type', [SessionLine, TurnLine, MessageLine, EndLine]);

export type SessionHead = z.output<typeof SessionLine>;

/** What comes out of the lines: the session first, then its turns, each once it is whole. */
export type ExportedPart =
  | { readonly part: 'session'; readonly session: SessionHead }
  | { readonly part: 'turn'; readonly turn: Omit<ExportedTurn, 'user_id'> };

/** @throws Refusal `validation_failed` naming the line */
export async function* partsOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<ExportedPart> {
  const reading = new Reading();
  let number = 0;
  for await (const text of linesOf(body)) {
    number += 1;
    if (text.trim() === '') continue;
    const parsed = parse(text, number);
    const problem = reading.problemOf(parsed);
    if (problem !== undefined) throw wrong(number, problem);
    yield* reading.take(parsed);
  }
  if (!reading.ended) throw wrong(number + 1, 'the file is cut short: its last line is missing');
}

function wrong(number: number, message: string): Error {
  return invalid([{ path: `line ${number}`, message }]);
}

function parse(text: string, number: number): z.output<typeof Line> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong(number, 'is not JSON');
  }
  const result = Line.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = issue?.path.join('.') ?? '';
  throw wrong(
    number,
    place === '' ? 'is no line of an exported session' : `${place} ${issue?.message ?? 'is not valid'}`,
  );
}

/** What has been read so far, and what may come next. */
class Reading {
  #session = false;
  #turn: z.output<typeof TurnLine> | undefined;
  #messages: ExportedMessage[] = [];
  #turns = 0;
  #count = 0;
  ended = false;

  problemOf(line: z.output<typeof Line>): string | undefined {
    if (this.ended) return 'comes after the end';
    if (line.type === 'session') return this.#session ? 'is a second session; a file holds one' : undefined;
    if (!this.#session) return 'comes before the session; is this an exported session?';
    if (line.type === 'message') {
      if (this.#turn?.id !== line.turn_id) return 'is a message of another turn than the one before it';
      if (this.#messages.length === 0 && line.role !== 'user')
        return 'is no message of a user, with which a turn begins';
      return undefined;
    }
    if (this.#turn !== undefined && this.#messages.length === 0) return 'follows a turn without a message';
    if (line.type === 'turn') return undefined;
    if (line.turns !== this.#turns || line.messages !== this.#count)
      return `counts ${line.turns} turns and ${line.messages} messages, and there were ${this.#turns} and ${this.#count}`;
    return undefined;
  }

  *take(line: z.output<typeof Line>): Generator<ExportedPart> {
    switch (line.type) {
      case 'session':
        this.#session = true;
        yield { part: 'session', session: line };
        break;
      case 'turn':
        yield* this.#whole();
        this.#turn = line;
        this.#turns += 1;
        break;
      case 'message': {
        const { type: _type, turn_id: _turn, created_at: at, ...message } = line;
        this.#messages.push({ ...message, at });
        this.#count += 1;
        break;
      }
      case 'end':
        yield* this.#whole();
        this.ended = true;
        break;
      default:
        line satisfies never;
    }
  }

  *#whole(): Generator<ExportedPart> {
    const turn = this.#turn;
    if (turn === undefined) return;
    const messages = this.#messages;
    this.#turn = undefined;
    this.#messages = [];
    const { type: _type, status: _status, created_at, started_at, ended_at, ...rest } = turn;
    const began = started_at ?? created_at;
    yield {
      part: 'turn',
      turn: { ...rest, started_at: began, ended_at: ended_at ?? messages.at(-1)?.at ?? began, messages },
    };
  }
}

async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  let number = 1;
  const decode = (chunk?: Uint8Array): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch {
      throw wrong(number, 'is not UTF-8');
    }
  };
  for await (const chunk of body) {
    const lines = (rest + decode(chunk)).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LINE_BYTES) throw wrong(number + lines.length, `is longer than ${LINE_BYTES} bytes`);
    for (const line of lines) {
      yield line;
      number += 1;
    }
  }
  rest += decode();
  if (rest !== '') yield rest;
}
