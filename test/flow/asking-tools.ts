// SPDX-License-Identifier: Apache-2.0
// The built-in tools, with a calculator that asks before it multiplies by seven.

import type { Tool } from '../../src/agent/tools/tool.ts';

export function tools(builtIn: readonly Tool[]): readonly Tool[] {
  const approval: Tool['approval'] = ({ expression }) => (String(expression).includes('7') ? 'sevens are dear' : null);
  return builtIn.map((tool) => (tool.name === 'calculator' ? { ...tool, approval } : tool));
}
