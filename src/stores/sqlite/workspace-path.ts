// SPDX-License-Identifier: Apache-2.0
// Where a workspace's files lie. An id is checked before it is part of a path.

import { join } from 'node:path';

const WORKSPACE_ID = /^[a-z0-9][a-z0-9:_-]{0,63}$/;

/** Whether a text may be a workspace's id. */
export function isWorkspaceId(id: string): boolean {
  return WORKSPACE_ID.test(id);
}

/** A workspace's directory; undefined when the id is none. `:` is written `%3A`, which every file system takes. */
export function workspaceDir(dataDir: string, id: string): string | undefined {
  return isWorkspaceId(id) ? join(dataDir, 'workspaces', id.replaceAll(':', '%3A')) : undefined;
}
