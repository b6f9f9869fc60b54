// SPDX-License-Identifier: Apache-2.0
// What a search can be narrowed to, as words of the full-text index: whose a row is, of which session, and what kind.

/**
 * Kinds of messages as they are found. `remembered` is a statement that a tool kept, which is one of the results of tools and
 * yet what somebody wanted to be found.
 */
export type FoundKind = 'user' | 'assistant' | 'system' | 'tool' | 'remembered';

/** What is found when nothing else is asked for: what people and the agent said to each other. */
export const USUAL_KINDS: readonly FoundKind[] = ['user', 'assistant'];

/** The index sees letters and digits, and no case: every other character of an id is written as its number between two x. */
function written(letter: string, id: string): string {
  return letter + id.replaceAll(/[^a-wyz0-9]/g, (char) => `x${char.charCodeAt(0).toString(16)}x`);
}

export const userWord = (user_id: string): string => written('u', user_id);
export const sessionWord = (session_id: string): string => written('s', session_id);
export const kindWord = (kind: FoundKind): string => `k${kind}`;

/** The words of one row's scope. */
export function scopeWords(of: { readonly user_id: string; readonly session_id: string }, kind?: FoundKind): string {
  const place = `${userWord(of.user_id)} ${sessionWord(of.session_id)}`;
  return kind === undefined ? place : `${place} ${kindWord(kind)}`;
}
