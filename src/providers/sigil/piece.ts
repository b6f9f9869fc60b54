// SPDX-License-Identifier: Apache-2.0
// What the offline model makes of a message: pieces, each something to say, to count or to ask a tool.

/** A tool to be called; `about` is what it is about, in words that can be said back. */
export interface ToolPiece {
  readonly kind: 'tool';
  readonly tool:
    | 'calculator'
    | 'clock'
    | 'memory_forget'
    | 'memory_recall'
    | 'memory_remember'
    | 'memory_search'
    | 'memory_semantic'
    | 'session_list';
  /** JSON text, as a model writes it. */
  readonly arguments: string;
  readonly about: string;
}

export type Piece =
  | ToolPiece
  | { readonly kind: 'say'; readonly text: string }
  | { readonly kind: 'count'; readonly to: number }
  | { readonly kind: 'unknown'; readonly heard: string };
