// SPDX-License-Identifier: Apache-2.0
// The tools a lane's thread has: those Sigil always brings, and those that are switched on.

import { builtInTools } from '../agent/tools/catalogue.ts';
import { execSandboxed } from '../agent/tools/exec-sandboxed.ts';
import type { Tool } from '../agent/tools/tool.ts';
import { webFetch } from '../agent/tools/web-fetch.ts';
import type { ThreadContext } from './context.ts';
import { runSandboxed } from './sandbox.ts';
import { webPages } from './web-pages.ts';

export function configuredTools(context: ThreadContext): readonly Tool[] {
  const { tools } = context.house.config;
  return [
    ...builtInTools(),
    ...(tools.web_fetch.enabled ? [webFetch(webPages(context))] : []),
    ...(tools.exec_sandboxed.enabled ? [execSandboxed(runSandboxed(context))] : []),
  ];
}
