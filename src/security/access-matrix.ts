// SPDX-License-Identifier: Apache-2.0
// Every role against every capability in every workspace, and one person against one of them: what the enforcer would say.

import { type Decision, no } from './enforcer.ts';
import { barred, mayWrite, type People } from './membership.ts';
import { ROLES, type Role } from './roles.ts';
import { type GuardedTool, needs, type ToolAccess, type WorkspaceRules } from './tool-access.ts';

/** A capability, and what each role is told of it. */
export interface MatrixRow {
  readonly capability: string;
  /** What the tool needs besides; decided with it. Empty for what is no tool. */
  readonly needs: readonly string[];
  readonly roles: Readonly<Record<Role, Decision>>;
}

/** What is decided in one workspace. */
export interface WorkspaceMatrix {
  /** Null: every workspace that is not in the configuration, everybody's own among them. */
  readonly workspace_id: string | null;
  /** Null: the safe tools, and what they need. */
  readonly allow: readonly string[] | null;
  readonly deny: readonly string[];
  readonly rows: readonly MatrixRow[];
}

/** No id of a workspace, so none of those in the configuration. */
const ELSEWHERE = '';

/** @param workspaces what the configuration says, by id */
export function accessMatrix(
  access: ToolAccess,
  tools: readonly GuardedTool[],
  workspaces: Readonly<Record<string, WorkspaceRules>>,
): readonly WorkspaceMatrix[] {
  const others = new Set(tools.flatMap(({ capabilities }) => capabilities));
  const all: readonly (readonly [string | null, WorkspaceRules])[] = [
    [null, { deny: [] }],
    ...Object.entries(workspaces),
  ];
  return all.map(([workspace_id, { allow, deny }]) => {
    const place = workspace_id ?? ELSEWHERE;
    const row = (capability: string, more: readonly string[], decided: (role: Role) => Decision): MatrixRow => {
      const [owner, admin, member, guest] = [decided('owner'), decided('admin'), decided('member'), decided('guest')];
      return { capability, needs: more, roles: { owner, admin, member, guest } };
    };
    const rows = [
      ...tools.map((tool) => {
        const [own = '', ...more] = needs(tool);
        return row(own, more, (role) => access.decideFor(role, place, tool));
      }),
      ...[...others].sort().map((name) => row(name, [], (role) => access.explain(role, place, name))),
    ];
    return { workspace_id, allow: allow ?? null, deny, rows };
  });
}

/** A tool a workspace lists by its name, and what it needs that the same list leaves out. */
export interface HalfAllowed {
  readonly workspace_id: string;
  readonly tool: string;
  readonly missing: readonly string[];
}

/** Tools that were meant to be allowed and cannot be used: nobody lists a tool by its name to have it denied. */
export function halfAllowed(
  access: ToolAccess,
  tools: readonly GuardedTool[],
  workspaces: Readonly<Record<string, WorkspaceRules>>,
): readonly HalfAllowed[] {
  return Object.entries(workspaces).flatMap(([workspace_id, { allow = [] }]) =>
    tools.flatMap((tool) => {
      if (!allow.includes(tool.name) && !allow.includes(`tool.${tool.name}`)) return [];
      const missing = tool.capabilities.filter(
        (name) => access.explain('owner', workspace_id, name).rule === 'workspace.allow',
      );
      return missing.length === 0 ? [] : [{ workspace_id, tool: tool.name, missing }];
    }),
  );
}

/** What somebody is told who asks for one capability. */
export interface Explained {
  readonly user_id: string;
  /** Null: nobody here. */
  readonly role: Role | null;
  readonly workspace_id: string;
  readonly capability: string;
  /** What the tool needs besides; decided with it. */
  readonly needs: readonly string[];
  readonly decision: Decision;
}

export interface ExplainOptions {
  readonly access: ToolAccess;
  readonly tools: readonly GuardedTool[];
  readonly people: People;
  /** Whether a tool with this name may come from elsewhere: then it is decided as if it were there and needed nothing else. */
  readonly foreign: (tool: string) => boolean;
}

/** @param asked a capability, or plainly the name of a tool */
export function explainAccess(
  { access, tools, people, foreign }: ExplainOptions,
  user_id: string,
  workspace_id: string,
  asked: string,
): Explained {
  const plain = tools.some(({ name }) => name === asked) || foreign(asked);
  const capability = plain ? `tool.${asked}` : asked;
  const tool = tools.find(({ name }) => `tool.${name}` === capability);
  const role = people.roleOf(user_id) ?? null;
  const decided = (): Decision => {
    const out = barred(people, user_id, workspace_id);
    if (out !== null || role === null) return out ?? mayWrite(people, user_id);
    if (capability === 'messages.send') return mayWrite(people, user_id);
    if (tool !== undefined) return access.decideFor(role, workspace_id, tool);
    const known =
      tools.some(({ capabilities }) => capabilities.includes(capability)) ||
      (capability.startsWith('tool.') && foreign(capability.slice('tool.'.length)));
    return known
      ? access.explain(role, workspace_id, capability)
      : no('plugin.declared', `no tool here declares ${JSON.stringify(capability.slice(0, 200).toWellFormed())}.`);
  };
  return { user_id, role, workspace_id, capability, needs: tool?.capabilities ?? [], decision: decided() };
}

/** The columns of the matrix. */
export const MATRIX_ROLES: readonly Role[] = ROLES;
