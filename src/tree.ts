// SPDX-License-Identifier: Apache-2.0
// The supervision tree, whole: what there is, where it runs, and what happens when it ends.
// Channels are of two kinds: those that are pulled (http, cli) live on main, those of chat platforms on the I/O threads.
// Order is start order, reverse is stop order; the edge is last in and first out.

import type { ChildSpec } from './bus/supervision.ts';

/** What a child is started by: the composition root has one function for each. */
export type Start =
  | 'journal'
  | 'views'
  | 'read'
  | 'io'
  | 'lane'
  | 'gateway'
  | 'provider'
  | 'budget'
  | 'workspace'
  | 'vector-index'
  | 'session'
  | 'channel'
  | 'chat'
  | 'mcp'
  | 'edge';

/**
 * `*` in a thread's name stands for every thread of that kind, in an id for every actor of that kind: those live on the
 * thread their address is placed on. A session is taken up again by its lane's thread, from the journal.
 */
export const TREE = [
  { id: 'thread/journal', thread: 'journal', start: 'journal', restart: 'permanent', shutdown_ms: 10_000 },
  { id: 'thread/views', thread: 'views', start: 'views', restart: 'permanent', shutdown_ms: 5_000 },
  { id: 'thread/read', thread: 'read', start: 'read', behind: true, restart: 'permanent', shutdown_ms: 2_000 },
  { id: 'thread/io-*', thread: 'io-*', start: 'io', restart: 'permanent', shutdown_ms: 5_000 },
  { id: 'thread/lane-*', thread: 'lane-*', start: 'lane', restart: 'permanent', shutdown_ms: 5_000 },
  { id: 'provider/*', thread: 'main', start: 'provider', restart: 'permanent', shutdown_ms: 1_000 },
  { id: 'budget/*', thread: 'main', start: 'budget', restart: 'permanent', shutdown_ms: 1_000 },
  { id: 'workspace/*', thread: 'main', start: 'workspace', restart: 'transient', shutdown_ms: 1_000 },
  { id: 'vector-index/*', thread: 'read', start: 'vector-index', restart: 'transient', shutdown_ms: 1_000 },
  { id: 'session/*', thread: 'lane-*', start: 'session', restart: 'transient', shutdown_ms: 1_000 },
  { id: 'gateway/root', thread: 'main', start: 'gateway', restart: 'permanent', shutdown_ms: 1_000 },
  { id: 'channel/*', thread: 'io-*', start: 'chat', restart: 'permanent', shutdown_ms: 3_000 },
  { id: 'channel/*', thread: 'main', start: 'channel', restart: 'permanent', shutdown_ms: 1_000 },
  { id: 'mcp/*', thread: 'io-*', start: 'mcp', restart: 'permanent', shutdown_ms: 3_000 },
  { id: 'edge', thread: 'main', start: 'edge', restart: 'permanent', shutdown_ms: 5_000 },
] as const satisfies readonly ChildSpec<Start>[];

/** The spec of what is started so. */
export function specOf(start: Start): ChildSpec<Start> {
  const spec = TREE.find((child) => child.start === start);
  if (spec === undefined) throw new Error(`${start} is not in the tree`);
  return spec;
}

/** The spec of a thread by its name: `lane-2` is one of `lane-*`. */
export function threadSpec(name: string): ChildSpec<Start> {
  const pattern = name.replace(/-\d+$/, '-*');
  const spec = TREE.find((child) => child.id === `thread/${pattern}`);
  if (spec === undefined) throw new Error(`thread ${name} is not in the tree`);
  return spec;
}
