// SPDX-License-Identifier: Apache-2.0
// The routing table of a thread that takes messages in: who may write where, made anew when the directory has changed.

import type { RoutingTable } from '../actors/channel/place.ts';
import type { Config } from '../config/schema.ts';
import type { DirectoryTable } from '../stores/directory-table.ts';

/** Longest message, in bytes of UTF-8: what the edge takes as a body. */
const CONTENT_MOST = 1_048_576;

/** @param feed the directory as the thread has it now */
export function routingOf(config: Config, feed: { readonly table: DirectoryTable }): () => RoutingTable {
  const { queue, mode: session_mode } = config.sessions;
  const longest = Math.min(CONTENT_MOST, config.security.scanner.limits.max_content_length);
  const made = (): RoutingTable => Object.freeze({ people: feed.table, queue, session_mode, content_most: longest });
  let routing = made();
  return () => {
    if (routing.people !== feed.table) routing = made();
    return routing;
  };
}
