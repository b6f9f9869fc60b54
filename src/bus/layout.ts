// SPDX-License-Identifier: Apache-2.0
// Which threads there are and which of them an address lives on: a pure function of the address, so a message makes one hop.

import type { Address } from './address.ts';
import { idOf, kindOf } from './address.ts';

/** How many threads of the kinds that may be more than one. */
export interface Layout {
  /** Lane threads: sessions. At least 1. */
  readonly lanes: number;
  /** I/O threads: chat channels, plugins, nodes, MCP servers, commands in the sandbox. At least 1. */
  readonly io: number;
}

/** Indexes of the threads every layout has. `io-1` comes next, `lane-1` after the last `io`. */
export const MAIN = 0;
export const JOURNAL = 1;
export const VIEWS = 2;
export const READ = 3;

/** What {@link placement} answers for an address no thread can host, such as `thread/lane-9` where there are two lanes. */
export const NOWHERE = -1;

const SINGLE = ['main', 'journal', 'views', 'read'] as const;

/** Channels of the edge: they live where HTTP and the terminal do. */
const EDGE_CHANNELS: ReadonlySet<string> = new Set(['http', 'cli', 'web']);

/** The store that only hands on to the pool, which is owned by the main thread. */
const POOL_STORE = 'embedder';

/** The store that asks vendors: its connections and libraries are an I/O thread's. */
const VENDOR_STORE = 'vendors';

/** Thread names by index: main, journal, views, read, io-1…, lane-1…. */
export function threadNames(layout: Layout): readonly string[] {
  const numbered = (name: string, count: number) => Array.from({ length: count }, (_, at) => `${name}-${at + 1}`);
  return [...SINGLE, ...numbered('io', layout.io), ...numbered('lane', layout.lanes)];
}

/** FNV-1a with murmur3's finaliser: addresses that differ in one digit still spread evenly. */
function hash(text: string): number {
  let mixed = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) mixed = Math.imul(mixed ^ text.charCodeAt(at), 0x01000193);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** What stands for a session where only a number fits: never 0, and the same in every thread. 0 for other actors. */
export function markOf(of: Address): number {
  return kindOf(of) === 'session' ? hash(of) | 1 : 0;
}

/** The thread index of every address under `layout`. */
export function placement(layout: Layout): (of: Address) => number {
  if (!(layout.lanes >= 1 && layout.io >= 1))
    throw new RangeError('a layout needs at least one lane and one io thread');
  const names = new Map(threadNames(layout).map((name, at) => [name, at] as const));
  const io = SINGLE.length;
  const lane = io + layout.io;
  const among = (first: number, count: number, of: Address) =>
    count === 1 ? first : first + Math.floor((hash(of) / 2 ** 32) * count);

  return (of) => {
    switch (kindOf(of)) {
      case 'session':
        return among(lane, layout.lanes, of);
      case 'channel':
        return EDGE_CHANNELS.has(idOf(of)) ? MAIN : among(io, layout.io, of);
      case 'plugin':
      case 'node':
      case 'sandbox':
      case 'mcp':
        return among(io, layout.io, of);
      case 'vector-index':
        return READ;
      // Who decides for many lives where no session runs: what hangs a lane must not hang them.
      case 'gateway':
      case 'workspace':
      case 'budget':
      case 'provider':
      case 'pool':
        return MAIN;
      case 'store':
        if (idOf(of) === POOL_STORE) return MAIN;
        return idOf(of) === VENDOR_STORE ? io : (names.get(idOf(of)) ?? NOWHERE);
      case 'thread':
        return names.get(idOf(of)) ?? NOWHERE;
      default:
        return NOWHERE;
    }
  };
}
