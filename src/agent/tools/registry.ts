// SPDX-License-Identifier: Apache-2.0
// The tools there are, by name, and as a model is told of them.

import type { ChatTool } from '../../providers/provider.ts';
import type { Tool } from './tool.ts';

export interface ToolRegistry {
  get(name: string): Tool | undefined;
  /** Why a tool that is not there is not, where somebody knows. */
  absent(name: string): string | undefined;
  list(): readonly Tool[];
  /** The tools as a model is told of them, those that `may` lets through; the same objects every time. */
  offer(may?: (tool: Tool) => boolean): readonly ChatTool[];
}

/**
 * Collects tools.
 *
 * @param absent says why a tool that is not among them is not
 * @throws Error when two have the same name: it would be chance which one runs.
 */
export function createToolRegistry(
  tools: readonly Tool[],
  absent: ToolRegistry['absent'] = () => undefined,
): ToolRegistry {
  const byName = new Map<string, { readonly tool: Tool; readonly chat: ChatTool }>();
  for (const tool of tools) {
    if (byName.has(tool.name)) throw new Error(`two tools are called "${tool.name}"`);
    const { name, description, inputSchema } = tool;
    byName.set(name, { tool, chat: Object.freeze({ name, description, inputSchema }) });
  }
  const entries = [...byName.values()];
  const everything = Object.freeze(entries.map(({ chat }) => chat));
  return {
    get: (name) => byName.get(name)?.tool,
    absent,
    list: () => tools,
    offer: (may) => (may === undefined ? everything : entries.filter(({ tool }) => may(tool)).map(({ chat }) => chat)),
  };
}
