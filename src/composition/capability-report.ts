// SPDX-License-Identifier: Apache-2.0
// What the enforcer would say, for whoever asks main: of the built-in tools and those of the servers that are configured.

import { builtInTools } from '../agent/tools/catalogue.ts';
import type { Config } from '../config/schema.ts';
import { accessMatrix, type Explained, explainAccess, type WorkspaceMatrix } from '../security/access-matrix.ts';
import type { People } from '../security/membership.ts';
import { createToolAccess } from '../security/tool-access.ts';
import { rulesOf } from './config-scopes.ts';

/** Every role against every capability in every workspace of the configuration, and in all others. */
export function capabilityMatrix(config: Config): readonly WorkspaceMatrix[] {
  const tools = builtInTools();
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
  const tools = builtInTools();
  const servers = Object.keys(config.mcp);
  const foreign = (tool: string): boolean => servers.some((name) => tool.startsWith(`mcp.${name}.`));
  const access = createToolAccess(tools, rulesOf(config));
  return explainAccess({ access, tools, people, foreign }, user_id, workspace_id, capability);
}
