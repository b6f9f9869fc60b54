// SPDX-License-Identifier: Apache-2.0
// What the read thread answers about compactions that are not over, as it crosses threads.

/** `given_up`: not tried again until the session has grown or somebody asks; `gone`: its session is, and it is to go too. */
export type CompactionState = 'called' | 'failed' | 'given_up' | 'stored' | 'gone';

export interface CompactionItem {
  readonly workspace_id: string;
  readonly session_id: string;
  readonly state: CompactionState;
  /** How often in a row it has failed. */
  readonly attempts: number;
  /** Epoch milliseconds. */
  readonly retry_at: number | null;
  /** Of its newest failure; empty: there was none. */
  readonly code: string;
  readonly message: string;
  /** When it was last heard of, epoch milliseconds. */
  readonly at: number;
}

export type CompactionQueries = {
  /** Compactions that are not over: how many of each state, and some of them, those that failed first. */
  readonly 'compaction.open': {
    readonly body: { readonly workspace_id?: string | undefined; readonly limit: number };
    readonly reply: {
      readonly counts: Readonly<Record<CompactionState, number>>;
      readonly items: readonly CompactionItem[];
    };
  };
  /** Workspaces, after this one in the order of ids, in which something is to be taken up after a start. */
  readonly 'compaction.workspaces': {
    readonly body: { readonly after_id: string; readonly limit: number };
    readonly reply: { readonly workspaces: readonly string[] };
  };
  /** Sessions of a workspace that are gone and from which something is left. */
  readonly 'compaction.gone': {
    readonly body: { readonly workspace_id: string };
    readonly reply: { readonly sessions: readonly string[] };
  };
};
