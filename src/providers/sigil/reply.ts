// SPDX-License-Identifier: Apache-2.0
// The whole reply to a request, worked out before its first word is streamed: tool calls, or an answer.

import { createHash } from 'node:crypto';
import type { ChatMessage, ChatRequest, ChatToolCall } from '../provider.ts';
import { type Answered, tailOf } from './conversation.ts';
import { notUnderstood, partNotUnderstood, toolNotOffered } from './phrases.ts';
import type { Piece, ToolPiece } from './piece.ts';
import { planOf } from './plan.ts';
import { sayResult } from './results.ts';
import { summaryOf } from './summary.ts';
import { deltasOf } from './words.ts';

/** A delta of the answer; a paced one waits before it is said. */
export interface Chunk {
  readonly text: string;
  readonly paced: boolean;
}

export interface Reply {
  readonly chunks: readonly Chunk[];
  readonly calls: readonly ChatToolCall[];
}

/** Calls of one reply; what is beyond them is called in the next one. */
const MOST_CALLS = 8;

/** Ids differ between requests without chance or a clock: they are made from what the conversation holds. */
function idOf(messages: readonly ChatMessage[]): string {
  const hash = createHash('sha256');
  for (const message of messages) hash.update(`${message.role} ${message.content.length} ${message.content}\n`);
  return hash.digest('hex').slice(0, 16);
}

/** Finds the call a piece led to, each once, so that no piece is ever called twice. */
function matcher(answered: readonly Answered[]) {
  const left = [...answered];
  return {
    take(piece: ToolPiece): Answered | undefined {
      const at = left.findIndex(({ call }) => call.name === piece.tool && call.arguments === piece.arguments);
      return at < 0 ? undefined : left.splice(at, 1)[0];
    },
    /** Calls no piece explains: another model's, when a conversation changes models in the middle of a turn. */
    left,
  };
}

const spoken = (text: string): Chunk[] => deltasOf(text).map((delta) => ({ text: delta, paced: false }));

function counted(to: number): Chunk[] {
  return Array.from({ length: to }, (_, index) => ({
    text: index + 1 < to ? `${index + 1} ` : `${to}`,
    paced: index > 0,
  }));
}

/** What no rule fits is explained in full when it is all there is, and mentioned when something else is answered. */
function sayUnknown(pieces: readonly Piece[]): Chunk[] {
  const heard = pieces.flatMap((piece) => (piece.kind === 'unknown' ? [piece.heard] : []));
  const [first] = heard;
  if (first === undefined) return [];
  return spoken(heard.length === pieces.length ? notUnderstood(heard.join(' ')) : partNotUnderstood(first));
}

/** The reply to a request: the same for the same request, whatever else happens. */
export function replyTo(request: ChatRequest): Reply {
  if (request.task === 'summarize') {
    const material = request.messages.map(({ content }) => content).join('\n');
    return { chunks: spoken(summaryOf(request.systemPrompt, material)), calls: [] };
  }
  const { said, answered } = tailOf(request.messages);
  const pieces = said.length === 0 ? planOf('') : said.flatMap(planOf);
  const offered = new Set(request.tools.map(({ name }) => name));
  const calls = matcher(answered);
  const pending: ToolPiece[] = [];
  const parts: Chunk[][] = [];
  for (const piece of pieces) {
    if (piece.kind === 'say') parts.push(spoken(piece.text));
    if (piece.kind === 'count') parts.push(counted(piece.to));
    if (piece.kind !== 'tool') continue;
    const answer = calls.take(piece);
    if (answer !== undefined) parts.push(spoken(sayResult(answer, piece.about)));
    else if (offered.has(piece.tool)) pending.push(piece);
    else parts.push(spoken(toolNotOffered(piece.tool, piece.about)));
  }
  if (pending.length > 0) {
    const id = idOf(request.messages);
    const due = pending.slice(0, MOST_CALLS);
    return {
      chunks: [],
      calls: due.map(({ tool, arguments: json }, index) => ({
        id: `call_${id}_${index + 1}`,
        name: tool,
        arguments: json,
      })),
    };
  }
  for (const answer of calls.left) parts.push(spoken(sayResult(answer, answer.call.name)));
  const unknown = sayUnknown(pieces);
  if (unknown.length > 0) parts.push(unknown);
  return { chunks: parts.flatMap(withBreak), calls: [] };
}

/** Parts stand in lines of their own: the last word of each but the last ends its line. */
function withBreak(part: readonly Chunk[], index: number, parts: readonly (readonly Chunk[])[]): readonly Chunk[] {
  const last = part.at(-1);
  if (last === undefined || index === parts.length - 1) return part;
  return [...part.slice(0, -1), { ...last, text: `${last.text}\n` }];
}
