// SPDX-License-Identifier: Apache-2.0
// All routes in one list.

import type { EdgeContext } from '../context.ts';
import type { Route } from '../exchange.ts';
import { agentRoutes } from './agent.ts';
import { approvalRoutes } from './approvals.ts';
import { attachmentRoutes } from './attachments.ts';
import { auditRoutes } from './audit.ts';
import { backupRoutes } from './backups.ts';
import { capabilityRoutes } from './capabilities.ts';
import { channelRoutes } from './channels.ts';
import { chatRoutes } from './chat.ts';
import { compactionRoutes } from './compactions.ts';
import { configRoutes } from './config.ts';
import { debugRoutes } from './debug.ts';
import { knowledgeRoutes } from './knowledge.ts';
import { logRoutes } from './logs.ts';
import { mcpRoutes } from './mcp.ts';
import { memoryRoutes } from './memory.ts';
import { metricsRoutes } from './metrics.ts';
import { openAiRoutes } from './openai.ts';
import { providerRoutes } from './providers.ts';
import { secretRoutes } from './secrets.ts';
import { sessionRoutes } from './sessions.ts';
import { signInRoutes } from './sign-in.ts';
import { skillRoutes } from './skills.ts';
import { systemRoutes } from './system.ts';
import { tokenRoutes } from './tokens.ts';
import { turnRoutes } from './turns.ts';
import { userDataRoutes } from './user-data.ts';
import { userRoutes } from './users.ts';
import { webhookRoutes } from './webhooks.ts';
import { workspaceRoutes } from './workspaces.ts';

/** @param refused told where a token or a code came from that is not known */
export function allRoutes(
  edge: EdgeContext,
  refused: (clientAddress: string) => void = () => undefined,
): readonly Route[] {
  return [
    ...systemRoutes(edge),
    ...signInRoutes(edge, refused),
    ...agentRoutes(edge),
    ...metricsRoutes(edge),
    ...logRoutes(edge),
    ...configRoutes(edge),
    ...providerRoutes(edge),
    ...mcpRoutes(edge),
    ...attachmentRoutes(edge),
    ...channelRoutes(edge),
    ...chatRoutes(edge),
    ...openAiRoutes(edge),
    ...turnRoutes(edge),
    ...approvalRoutes(edge),
    ...sessionRoutes(edge),
    ...workspaceRoutes(edge),
    ...memoryRoutes(edge),
    ...compactionRoutes(edge),
    ...knowledgeRoutes(edge),
    ...backupRoutes(edge),
    ...userRoutes(edge),
    ...userDataRoutes(edge),
    ...tokenRoutes(edge),
    ...auditRoutes(edge),
    ...capabilityRoutes(edge),
    ...secretRoutes(edge),
    ...skillRoutes(edge),
    ...debugRoutes(edge),
    ...webhookRoutes(edge),
  ];
}
