// SPDX-License-Identifier: Apache-2.0
// What was said of a channel or an MCP server that is not in the config any more, or is again, does not hold any longer.

import type { LifeProtocol } from '../actors/gateway/protocol.ts';
import type { ConfigChange } from '../config/change.ts';

/** What the root is told by whoever shares its thread, as its chart's event. */
export type ToldRoot = {
  readonly [T in 'gateway.quarantine' | 'gateway.released']: {
    readonly type: T;
    readonly body: LifeProtocol[T]['body'];
  };
}['gateway.quarantine' | 'gateway.released'];

/**
 * Told to the root itself, and before the threads hear of the change: a message to it could come behind what one of them says is
 * left out because of that, and take it away again.
 */
export function releaseEntries(tell: (told: ToldRoot) => void, { before, after }: ConfigChange): void {
  for (const kind of ['channels', 'mcp'] as const) {
    const [was, is] = [new Set(Object.keys(before[kind])), new Set(Object.keys(after[kind]))];
    for (const name of was.symmetricDifference(is))
      tell({ type: 'gateway.released', body: { what: `${kind}.${name}` } });
  }
}
