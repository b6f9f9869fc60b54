// SPDX-License-Identifier: Apache-2.0
// What the memory tools need of the stores: composition gives it, bound to one workspace and the person who asks.

/** A message that was found. */
export interface MemoryHit {
  readonly turn_id: string;
  readonly role: 'user' | 'assistant' | 'system' | 'tool';
  readonly content: string;
  /** RFC 3339. */
  readonly created_at: string;
}

/** Something the workspace knows: a fact, or a thing with what is known of it. */
export type Known =
  | {
      readonly kind: 'fact';
      readonly subject: string;
      readonly predicate: string;
      readonly value: string;
      readonly created_at: string;
    }
  | {
      readonly kind: 'entity';
      readonly type: string;
      readonly name: string;
      readonly properties: Readonly<Record<string, unknown>>;
      readonly created_at: string;
    };

/** A statement to keep. */
export interface Statement {
  readonly subject: string;
  readonly predicate: string;
  readonly value: string;
}

/** Where a statement is kept: as a fact of its own, or in the history of the conversation it was made in. */
export type KeptIn = 'facts' | 'history';

export interface MemoryPort {
  /** Messages of the workspace that hold all the words (case folded), newest first. */
  search(words: readonly string[], limit: number): Promise<readonly MemoryHit[]>;
  /** Facts and things of the workspace that hold all the words, newest first. */
  known(words: readonly string[], limit: number): Promise<readonly Known[]>;
  /**
   * Keeps a statement, and says where. Without a store of facts the answer is `history`: the tool's result repeats the
   * statement, is journaled like every result, and so is found by `search` from then on.
   */
  remember(statement: Statement): Promise<KeptIn>;
}
