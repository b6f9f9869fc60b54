// SPDX-License-Identifier: Apache-2.0
// Capabilities: what may be asked about them, and what is answered. The answers are loaded only to make the OpenAPI document.

import { z } from 'zod';
import type { DeepReadonly } from '../../config/schema.ts';
import { WorkspaceId } from './fields.ts';

export const ExplainQuery = z.object({
  user: z.string().min(1).max(64).describe("The user's id."),
  workspace: WorkspaceId.describe('The workspace.'),
  capability: z.string().min(1).max(1_000).describe('A capability such as `exec.sandboxed`, or the name of a tool.'),
});

const decided = {
  allowed: z.boolean(),
  reason: z.string().describe('One sentence.'),
  rule: z
    .string()
    .describe('What decided: `workspace.denied exec.*`; for a yes what let it through at each of the three.'),
};
const Decided = z.object(decided);
const needs = z.array(z.string()).describe('What the tool needs besides; decided with it.');

export const CapabilityMatrix = z
  .object({
    workspaces: z.array(
      z.object({
        workspace_id: z.string().nullable().describe('Null: every workspace that is not in the configuration.'),
        allow: z.array(z.string()).nullable().describe('Null: the safe tools, and what they need.'),
        deny: z.array(z.string()),
        rows: z.array(
          z.object({
            capability: z.string(),
            needs,
            roles: z.object({ owner: Decided, admin: Decided, member: Decided, guest: Decided }),
          }),
        ),
      }),
    ),
  })
  .describe('What each role may do where.');

export const CapabilityExplained = z
  .object({
    user_id: z.string(),
    role: z.enum(['owner', 'admin', 'member', 'guest']).nullable().describe('Null: nobody here.'),
    workspace_id: z.string(),
    capability: z.string(),
    needs,
    ...decided,
  })
  .describe('What the enforcer says of one capability.');

export type CapabilityMatrixAnswer = DeepReadonly<z.output<typeof CapabilityMatrix>>;
export type CapabilityExplainedAnswer = DeepReadonly<z.output<typeof CapabilityExplained>>;
