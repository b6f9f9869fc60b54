// SPDX-License-Identifier: Apache-2.0
// Which tools the configuration switches on, whoever gives them what they work with.

import { builtInTools } from '../agent/tools/catalogue.ts';
import { execSandboxed } from '../agent/tools/exec-sandboxed.ts';
import type { Tool } from '../agent/tools/tool.ts';
import { webFetch } from '../agent/tools/web-fetch.ts';
import type { Config } from '../config/schema.ts';

/** What the tools that are switched on work with; each is asked for only where its tool is. */
export interface ToolParts {
  pages(): Parameters<typeof webFetch>[0];
  sandbox(): Parameters<typeof execSandboxed>[0];
}

export function enabledTools({ tools }: Pick<Config, 'tools'>, parts: ToolParts): readonly Tool[] {
  return [
    ...builtInTools(),
    ...(tools.web_fetch.enabled ? [webFetch(parts.pages())] : []),
    ...(tools.exec_sandboxed.enabled ? [execSandboxed(parts.sandbox())] : []),
  ];
}
