// SPDX-License-Identifier: Apache-2.0
// What a workspace's actor answers to: its directory of awake sessions, changes of its memory, and compactions.

import type { WorkspaceWrite } from '../../stores/workspace-writer.ts';

/** What is being compacted; null: nothing. */
export interface CompactionStatus {
  readonly running: { readonly session_id: string; readonly state: string } | null;
  /** Sessions that wait, also for a time at which they are tried again. */
  readonly waiting: number;
  readonly last_error: { readonly code: string; readonly message: string } | null;
}

/** How far a compaction is that somebody asked for. */
export interface CompactionProgress {
  readonly id: string;
  readonly status: 'running' | 'done';
  /** Sessions it was asked for, and those that are not done. */
  readonly sessions: number;
  readonly left: number;
  /** What came of it so far: batches summed up, messages in them, facts taken from them. */
  readonly compactions: number;
  readonly messages: number;
  readonly facts: number;
  /** Sessions that failed, and the first of them. */
  readonly failures: number;
  readonly failed: readonly { readonly session_id: string; readonly code: string; readonly message: string }[];
}

export type WorkspaceProtocol = {
  /** A lane of this workspace woke up, or was opened for the first time. */
  readonly 'workspace.session_awake': {
    readonly body: { readonly session_id: string; readonly opened: boolean };
    readonly reply: undefined;
  };
  readonly 'workspace.session_asleep': { readonly body: { readonly session_id: string }; readonly reply: undefined };
  /** Records for the workspace's own stream. Answered when they are durable, under the last one's seq. */
  readonly 'workspace.write': {
    readonly body: Pick<WorkspaceWrite, 'records' | 'condition' | 'audit'>;
    readonly reply: { readonly seq: number };
  };
  /** A session has a batch of messages that are to be summed up; or, where nothing is, more than it keeps. */
  readonly 'workspace.memory_grown': { readonly body: { readonly session_id: string }; readonly reply: undefined };
  readonly 'workspace.status': {
    readonly body: Record<string, never>;
    readonly reply: {
      readonly id: string;
      readonly state: string;
      readonly awake: number;
      readonly opened: number;
    };
  };
  /** Somebody wants these sessions compacted now, down to the last message that left the window. */
  readonly 'workspace.compact': {
    readonly body: { readonly session_ids: readonly string[] };
    readonly reply: CompactionProgress;
  };
  /** How far that is; `not_found` a minute after it is done, or when nobody ever asked. */
  readonly 'workspace.compaction': { readonly body: { readonly id: string }; readonly reply: CompactionProgress };
  /** An end of the process may have left something open. */
  readonly 'workspace.resume': { readonly body: Record<string, never>; readonly reply: undefined };
  /** A session is gone. */
  readonly 'workspace.session_deleted': { readonly body: { readonly session_id: string }; readonly reply: undefined };
};
