// SPDX-License-Identifier: Apache-2.0
// A reply's parts as the Gemini API wants them back with the results of its calls: signatures where they came.

import type { ChatMessage } from '../provider.ts';

/** A part as it came, without what was thought. Of a call only its place: name and arguments are in the message. */
export type KeptPart = { readonly signature: string | undefined } & (
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'call'; readonly id: string }
);

export interface KeptParts {
  readonly model: string;
  readonly parts: readonly KeptPart[];
}

/** Characters of kept parts. */
export function partsSize({ parts }: KeptParts): number {
  return parts.reduce(
    (size, part) => size + (part.signature?.length ?? 0) + (part.type === 'text' ? part.text.length : part.id.length),
    0,
  );
}

/** Whether a message of the history is this reply, unchanged: signatures stand where they were given, or nowhere. */
export function isReply({ parts }: KeptParts, { content, toolCalls = [] }: ChatMessage): boolean {
  const text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
  const ids = parts.flatMap((part) => (part.type === 'call' ? [part.id] : []));
  return text === content && ids.length === toolCalls.length && ids.every((id, at) => id === toolCalls[at]?.id);
}
