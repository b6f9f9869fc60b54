// SPDX-License-Identifier: Apache-2.0
// Tools of the crash tests: `SIGIL_TEST_TOOLS=module` puts what that module makes of the built-in tools in their place.

import type { Tool } from '../agent/tools/tool.ts';
import type { SecretResolver } from '../secrets/resolver.ts';
import { PUBLISHED } from './published.ts';

/** What such a module exports. */
export interface TestTools {
  readonly tools: (builtIn: readonly Tool[], secrets: SecretResolver) => readonly Tool[];
}

/** What becomes of the tools of a lane's thread; without a setting they stay as they are. */
export async function testTools(
  setting: string | undefined,
  secrets: SecretResolver,
): Promise<(builtIn: readonly Tool[]) => readonly Tool[]> {
  // What is published has none: a variable in somebody's environment must not be able to bring code in.
  if (PUBLISHED || setting === undefined || setting === '') return (builtIn) => builtIn;
  const { tools } = (await import(setting)) as TestTools;
  return (builtIn) => tools(builtIn, secrets);
}
