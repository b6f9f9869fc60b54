// SPDX-License-Identifier: Apache-2.0
// What was said of a channel or an MCP server that is not in the config any more, or is again, does not hold any longer.

import { address } from '../bus/address.ts';
import type { ConfigChange } from '../config/change.ts';
import type { ThreadContext } from './context.ts';

/** Told on the main thread before anything that is newly left out is. */
export function releaseEntries({ bus }: Pick<ThreadContext, 'bus'>, { before, after }: ConfigChange): void {
  const from = address('thread', 'main');
  for (const kind of ['channels', 'mcp'] as const) {
    const [was, is] = [new Set(Object.keys(before[kind])), new Set(Object.keys(after[kind]))];
    for (const name of was.symmetricDifference(is))
      bus.send(address('gateway', 'root'), 'gateway.released', { what: `${kind}.${name}` }, { from });
  }
}
