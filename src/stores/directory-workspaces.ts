// SPDX-License-Identifier: Apache-2.0
// Workspaces that are made while the gateway runs: who is in them, and which conversations belong to them. Pure.

import { failure } from '../errors.ts';
import type { NewWorkspace, WorkspaceChange } from './directory-commands.ts';
import type { StoredBinding } from './directory-records.ts';
import {
  type Changing,
  conflict,
  type Decided,
  DIRECTORY_MOST,
  full,
  isKnown,
  isWorkspace,
  missing,
  readOnly,
  refuse,
  written,
} from './directory-rules.ts';

export function createWorkspace(changing: Changing, given: NewWorkspace): Decided {
  const { state, fixed, now, note } = changing;
  const { id } = given;
  if (fixed.workspaces.has(id)) return conflict(`There is a workspace ${id} in the configuration file.`);
  const before = state.workspaces.get(id);
  if (before?.deleted === true)
    return conflict(`There was a workspace ${id}, and what was said in it is kept under that id; choose another one.`);
  if (before !== undefined) return conflict(`There is a workspace ${id} already.`);
  if (id.startsWith('personal:'))
    return refuse(failure('validation_failed', 'Everybody has their personal workspace; it is not made.'));
  if (state.workspaces.size >= DIRECTORY_MOST.workspaces) return full(DIRECTORY_MOST.workspaces, 'workspaces');
  const problem = problemOf(changing, id, given);
  if (problem !== null) return problem;
  const { description, members, bindings } = given;
  const workspace = { id, description, members, bindings, created_at: now, updated_at: now };
  const audit = note('workspace.created', { id, members: members.length, bindings: bindings.length });
  return written(changing, [{ type: 'workspace_created', workspace }], [audit], (after) => after.workspaces.get(id));
}

export function changeWorkspace(changing: Changing, { id, ...change }: WorkspaceChange): Decided {
  const { state, fixed, note } = changing;
  if (fixed.workspaces.has(id)) return readOnly(`The workspace ${id}`);
  if (!isWorkspace(changing, id)) return missing('workspace', id);
  const problem = problemOf(changing, id, change);
  if (problem !== null) return problem;
  const changed = Object.keys(change);
  if (changed.length === 0) return { ok: true, records: [], body: state.workspaces.get(id) };
  const audit = note('workspace.changed', { id, changed });
  return written(changing, [{ type: 'workspace_changed', id, ...change }], [audit], (after) =>
    after.workspaces.get(id),
  );
}

export function deleteWorkspace(changing: Changing, id: string): Decided {
  const { fixed, note } = changing;
  if (fixed.workspaces.has(id)) return readOnly(`The workspace ${id}`);
  if (!isWorkspace(changing, id)) return missing('workspace', id);
  const audit = note('workspace.deleted', { id });
  return written(changing, [{ type: 'workspace_deleted', id }], [audit], (after) => after.workspaces.get(id));
}

/** What is wrong with the members and bindings of a workspace, or null. */
function problemOf(
  changing: Changing,
  id: string,
  { members = [], bindings = [] }: Pick<WorkspaceChange, 'members' | 'bindings'>,
): Decided | null {
  const stranger = members.find((user_id) => !isKnown(changing.state, changing.fixed, user_id));
  if (stranger !== undefined) return missing('user', stranger);
  for (const { channel, channel_id } of bindings) {
    const other = boundTo(changing, { channel, channel_id });
    if (other !== undefined && other !== id)
      return conflict(`The conversation ${channel_id} on ${channel} belongs to the workspace ${other}.`);
  }
  return null;
}

function boundTo({ state }: Changing, { channel, channel_id }: StoredBinding): string | undefined {
  for (const { id, bindings } of state.workspaces.values())
    if (bindings.some((one) => one.channel === channel && one.channel_id === channel_id)) return id;
  return undefined;
}
