// SPDX-License-Identifier: Apache-2.0
// All routes in one list.

import type { EdgeContext } from '../context.ts';
import type { Route } from '../exchange.ts';
import { approvalRoutes } from './approvals.ts';
import { attachmentRoutes } from './attachments.ts';
import { auditRoutes } from './audit.ts';
import { backupRoutes } from './backups.ts';
import { capabilityRoutes } from './capabilities.ts';
import { channelRoutes } from './channels.ts';
import { chatRoutes } from './chat.ts';
import { compactionRoutes } from './compactions.ts';
import { debugRoutes } from './debug.ts';
import { knowledgeRoutes } from './knowledge.ts';
import { mcpRoutes } from './mcp.ts';
import { memoryRoutes } from './memory.ts';
import { providerRoutes } from './providers.ts';
import { secretRoutes } from './secrets.ts';
import { sessionRoutes } from './sessions.ts';
import { skillRoutes } from './skills.ts';
import { systemRoutes } from './system.ts';
import { tokenRoutes } from './tokens.ts';
import { turnRoutes } from './turns.ts';
import { userDataRoutes } from './user-data.ts';
import { userRoutes } from './users.ts';
import { webhookRoutes } from './webhooks.ts';
import { workspaceRoutes } from './workspaces.ts';

export function allRoutes(edge: EdgeContext): readonly Route[] {
  return [
    ...systemRoutes(edge),
    ...providerRoutes(edge),
    ...mcpRoutes(edge),
    ...attachmentRoutes(edge),
    ...channelRoutes(edge),
    ...chatRoutes(edge),
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
