// SPDX-License-Identifier: Apache-2.0
// What the enforcer would say, for whoever asks main: of the tools that are switched on, and those of the servers that are configured.

import type { Tool } from '../agent/tools/tool.ts';
import type { Config } from '../config/schema.ts';
import { accessMatrix, type Explained, explainAccess, type WorkspaceMatrix } from '../security/access-matrix.ts';
import type { People } from '../security/membership.ts';
import { createToolAccess } from '../security/tool-access.ts';
import { rulesOf } from './config-scopes.ts';
import { enabledTools } from './enabled-tools.ts';

/** The tools that are switched on, as they describe themselves; none of them is run here. */
function describedTools(config: Config): readonly Tool[] {
  const never = (): Promise<never> => Promise.reject(new Error('no tool is run here'));
  return enabledTools(config, { pages: () => ({ read: never }), sandbox: () => never });
}

/** Every role against every capability in every workspace of the configuration, and in all others. */
export function capabilityMatrix(config: Config): readonly WorkspaceMatrix[] {
  const tools = describedTools(config);
  const rules = rulesOf(config);
  return accessMatrix(createToolAccess(tools, rules), tools, rules);
}

/** One person, one workspace, one capability. */
export function explainCapability(
  config: Config,
  people: People,
  user_id: string,
  workspace_id: string,
  capability: string,
): Explained {
  const tools = describedTools(config);
  const servers = Object.keys(config.mcp);
  const foreign = (tool: string): boolean => servers.some((name) => tool.startsWith(`mcp.${name}.`));
  const access = createToolAccess(tools, rulesOf(config));
  return explainAccess({ access, tools, people, foreign }, user_id, workspace_id, capability);
}
