// SPDX-License-Identifier: Apache-2.0
// The tools a lane's thread has: those Sigil always brings, and those that are switched on.

import type { Tool } from '../agent/tools/tool.ts';
import type { ThreadContext } from './context.ts';
import { enabledTools } from './enabled-tools.ts';
import { runSandboxed } from './sandbox.ts';
import { webPages } from './web-pages.ts';

export function configuredTools(context: ThreadContext): readonly Tool[] {
  return enabledTools(context.house.config, {
    pages: () => webPages(context),
    sandbox: () => runSandboxed(context),
  });
}
