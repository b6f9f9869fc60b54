// SPDX-License-Identifier: Apache-2.0
// Who may see what: sessions and turns belong to their user, workspaces to their members and to tokens that name them.

import { permits } from '../security/permission.ts';
import type { SessionRow, TurnRow } from '../stores/session-store.ts';
import type { Caller } from './exchange.ts';
import type { EdgePorts, LiveWorkspaces } from './ports.ts';
import { Refusal } from './problem.ts';

const SESSION_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
/** A workspace's id becomes part of a path. */
export const WORKSPACE_ID = /^[a-z0-9][a-z0-9:_-]{0,63}$/;

/** An id of ours as it came in a path; what cannot be one is not found. */
export function idFrom(text: string, what: string): string {
  if (!SESSION_ID.test(text)) throw new Refusal('not_found', `There is no ${what} with this id.`);
  return text;
}

/** Whether a token's own limits let it into a workspace: one that names workspaces goes to those only. */
function inReach(caller: Caller, workspaceId: string): boolean {
  const named = caller.permissions.filter((permission) => permission.startsWith('workspace:'));
  return (
    named.length === 0 || permits(caller.permissions, 'admin:workspaces') || permits(named, `workspace:${workspaceId}`)
  );
}

/** Who is in a workspace. */
export type Members = Pick<LiveWorkspaces, 'membersOf'>;

/** Whether the caller may read in a workspace: their own personal one, or as a member, within what the token names. */
export function mayEnter(caller: Caller, workspaceId: string, places: Members): boolean {
  if (permits(caller.permissions, 'admin:workspaces')) return true;
  const belongs =
    workspaceId === `personal:${caller.user_id}` || places.membersOf(workspaceId)?.has(caller.user_id) === true;
  return belongs && inReach(caller, workspaceId);
}

/** @throws Refusal `not_a_member`, or `forbidden` when it is the token that may not. */
export function checkWorkspace(caller: Caller, workspaceId: string, places: Members): void {
  if (mayEnter(caller, workspaceId, places)) return;
  if (!inReach(caller, workspaceId))
    throw new Refusal('forbidden', `This token may not enter the workspace ${workspaceId}.`);
  throw new Refusal('not_a_member', `${caller.user_id} is not a member of the workspace ${workspaceId}.`);
}

/** @throws Refusal `forbidden` when it is somebody else's, or in a workspace this token may not enter. */
export function checkOwner(
  caller: Caller,
  row: { readonly user_id: string; readonly workspace_id: string },
  what: string,
): void {
  if (seesAll(caller)) return;
  if (row.user_id !== caller.user_id) throw new Refusal('forbidden', `This ${what} is somebody else's.`);
  if (!inReach(caller, row.workspace_id))
    throw new Refusal('forbidden', `This token may not enter the workspace of this ${what}.`);
}

/** Whether something is the caller's own, in a workspace their token reaches. */
export function owns(caller: Caller, row: { readonly user_id: string; readonly workspace_id: string }): boolean {
  return row.user_id === caller.user_id && inReach(caller, row.workspace_id);
}

/** Whether other people's sessions are open to the caller too. */
export function seesAll(caller: Caller): boolean {
  return permits(caller.permissions, 'admin:sessions');
}

/** @throws Refusal `forbidden` naming what is missing. */
export function checkPermission(caller: Caller, needed: string): void {
  if (!permits(caller.permissions, needed)) throw new Refusal('forbidden', `This needs the permission \`${needed}\`.`);
}

/** Whatever was acknowledged before, by whichever channel, is seen. */
export const FRESH = { after: 'latest' } as const;

/** A turn the caller may see. */
export async function ownTurn(ports: EdgePorts, caller: Caller, id: string): Promise<TurnRow> {
  const row = await ports.store.read('turn.get', { turn_id: idFrom(id, 'turn') }, FRESH);
  checkOwner(caller, row, 'turn');
  return row;
}

/** A session the caller may see. */
export async function ownSession(ports: EdgePorts, caller: Caller, id: string): Promise<SessionRow> {
  const row = await ports.store.read('session.get', { session_id: idFrom(id, 'session') }, FRESH);
  checkOwner(caller, row, 'session');
  return row;
}
