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

/** What is to be forgotten: statements of a subject, in any case. */
export interface Forgotten {
  readonly subject: string;
  readonly predicate: string | undefined;
  readonly value: string | undefined;
}

/** Where a statement is kept: as a fact of its own, or in the history of the conversation it was made in. */
export type KeptIn = 'facts' | 'history';

/** What a stretch of a conversation was summed up to. */
export interface MemorySummary {
  readonly content: string;
  /** RFC 3339: of which time it tells. */
  readonly from: string;
  readonly to: string;
}

/** Something that is alike in meaning. */
export interface SimilarHit {
  readonly source: 'message' | 'summary' | 'fact' | 'note';
  /** Of a message: who said it. */
  readonly role: MemoryHit['role'] | null;
  /** Of a message: its turn's id. */
  readonly turn_id: string;
  readonly text: string;
  /** 1: it says the same; 0: it has nothing to do with it. */
  readonly score: number;
  /** RFC 3339. */
  readonly created_at: string;
}

export interface SimilarHits {
  /** Best first. */
  readonly items: readonly SimilarHit[];
  /** Why nothing can be looked for now, in a sentence; null when it can. */
  readonly unavailable: string | null;
}

/** A conversation. */
export interface SessionItem {
  readonly id: string;
  readonly title: string;
  readonly status: string;
  readonly messages: number;
  /** RFC 3339. */
  readonly created_at: string;
  readonly updated_at: string;
}

/** Everything a topic brings to mind. */
export interface MemoryRecall {
  readonly known: readonly Known[];
  readonly messages: readonly MemoryHit[];
  readonly summaries: readonly MemorySummary[];
  /** What is alike in meaning and not among these; nothing where that cannot be looked for. */
  readonly similar: readonly SimilarHit[];
}

export interface MemoryPort {
  /**
   * What was said in the workspace and statements that were kept, best first: what holds all the words, and with `any`,
   * when that is little, what holds some of them. Any text is safe.
   */
  search(text: string, match: 'all' | 'any', limit: number): Promise<readonly MemoryHit[]>;
  /** Facts and things of the workspace that hold all the words, newest first. */
  known(text: string, limit: number): Promise<readonly Known[]>;
  /** What is known of a topic, what was said about it, and summaries that speak of it. */
  recall(topic: string, limit: number): Promise<MemoryRecall>;
  /** Summaries of what was said between two times (epoch milliseconds), the newest first. */
  summaries(from: number, to: number, limit: number): Promise<readonly MemorySummary[]>;
  /**
   * Keeps a statement, and says where. Without a store of facts the answer is `history`: the tool's result repeats the
   * statement, is journaled like every result, and so is found by `search` from then on.
   */
  remember(statement: Statement): Promise<KeptIn>;
  /** What is alike in meaning, of what was said, summed up and known. */
  similar(text: string, k: number): Promise<SimilarHits>;
  /** Forgets what is stated of a subject by who asks; predicate and value narrow it. What was forgotten. */
  forget(what: Forgotten): Promise<readonly Statement[]>;
  /** The sessions of who asks, the last used first. */
  sessions(limit: number): Promise<readonly SessionItem[]>;
}
