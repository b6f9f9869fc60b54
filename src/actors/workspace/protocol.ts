// SPDX-License-Identifier: Apache-2.0
// What a workspace's actor answers to: its directory of awake sessions, and changes of its memory.

import type { WorkspaceWrite } from '../../stores/workspace-writer.ts';

export type WorkspaceProtocol = {
  /** A lane of this workspace woke up, or was opened for the first time. */
  readonly 'workspace.session_awake': {
    readonly body: { readonly session_id: string; readonly opened: boolean };
    readonly reply: undefined;
  };
  readonly 'workspace.session_asleep': { readonly body: { readonly session_id: string }; readonly reply: undefined };
  /** Records for the workspace's own stream. Answered when they are durable, under the last one's seq. */
  readonly 'workspace.write': {
    readonly body: Pick<WorkspaceWrite, 'records' | 'condition'>;
    readonly reply: { readonly seq: number };
  };
  /** A session has more messages in memory than it keeps. */
  readonly 'workspace.memory_grown': { readonly body: { readonly session_id: string }; readonly reply: undefined };
  readonly 'workspace.status': {
    readonly body: Record<string, never>;
    readonly reply: { readonly id: string; readonly state: string; readonly awake: number; readonly opened: number };
  };
};
