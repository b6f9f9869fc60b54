// SPDX-License-Identifier: Apache-2.0
// The routing table of a thread that takes messages in: who may write where, made anew when the directory or the configuration has changed.

import type { RoutingTable } from '../actors/channel/place.ts';
import type { Config } from '../config/schema.ts';
import type { DirectoryTable } from '../stores/directory-table.ts';
import { perConfig } from './per-config.ts';

/** Longest message, in bytes of UTF-8: what the edge takes as a body. */
const CONTENT_MOST = 1_048_576;

/** @param feed the directory as the thread has it now */
export function routingOf(
  house: { readonly config: Config },
  feed: { readonly table: DirectoryTable },
): () => RoutingTable {
  const settings = perConfig(house, ({ sessions: { queue, mode: session_mode }, security }) => {
    const content_most = Math.min(CONTENT_MOST, security.scanner.limits.max_content_length);
    return { queue, session_mode, content_most };
  });
  let of = settings();
  const made = (): RoutingTable => Object.freeze({ people: feed.table, ...of });
  let routing = made();
  return () => {
    const now = settings();
    if (routing.people !== feed.table || of !== now) {
      of = now;
      routing = made();
    }
    return routing;
  };
}
