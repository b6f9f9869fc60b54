// SPDX-License-Identifier: Apache-2.0
// The built-in tools, with a calculator and a search that ask before they touch a seven.

import type { Tool } from '../../src/agent/tools/tool.ts';

const ASKING: ReadonlySet<string> = new Set(['calculator', 'memory_search']);

export function tools(builtIn: readonly Tool[]): readonly Tool[] {
  const approval: Tool['approval'] = ({ expression, query }) =>
    String(expression ?? query).includes('7') ? 'sevens are dear' : null;
  return builtIn.map((tool) => (ASKING.has(tool.name) ? { ...tool, approval } : tool));
}
