// SPDX-License-Identifier: Apache-2.0
// Residents of one thread on a clock moved by hand, and everything their trace tells.

import { type Inspected, type Resident, Residents } from '../../src/actors/residents.ts';
import type { TraceEvent } from '../../src/actors/thread/protocol.ts';
import { type Address, parseAddress } from '../../src/bus/address.ts';
import type { World } from '../../src/world.ts';

export const BEGAN = 1_700_000_000_000;

export interface Stand {
  readonly residents: Residents;
  readonly told: { readonly name: string; readonly event: TraceEvent }[];
  /** Names somebody listens to; all when null. */
  heard: Set<string> | null;
  /** Milliseconds since the beginning. */
  clock: number;
  /** How often an actor was asked for its state. */
  looks: number;
  add(address: string, parent?: string | null, state?: unknown): Resident;
  step(resident: Resident, event: string, to: unknown): void;
}

/** @param late how much later than `BEGAN` this thread's own clock began, milliseconds with a fraction */
export function stand(late = 0): Stand {
  const world: World = {
    now: () => Math.floor(BEGAN + late + made.clock),
    iso: (epoch) => new Date(epoch).toISOString(),
    monotonic: () => made.clock,
    origin: BEGAN + late,
    after: () => () => undefined,
    soon: () => undefined,
    random: () => 0.5,
    uuid: () => '',
  };
  const told: Stand['told'] = [];
  const made: Stand = {
    told,
    heard: null,
    clock: 0,
    looks: 0,
    residents: undefined as unknown as Residents,
    add: (address, parent = null, state = 'idle') => {
      const inspected: Inspected = {
        state: () => {
          made.looks += 1;
          return state;
        },
        context: (reveal) => ({ reveal }),
        machine: () => null,
      };
      return made.residents.add(addressOf(address), parent, inspected);
    },
    step: (resident, event, to) => made.residents.moved(resident, event, to, made.clock),
  };
  Object.assign(made, {
    residents: new Residents({
      thread: 'lane-1',
      world,
      mailbox_capacity: 8,
      mailbox: () => ({ depth: 0, oldest_ms: 0 }),
      trace: {
        heard: (name) => made.heard?.has(name) ?? true,
        publish: (name, event) => void told.push({ name, event }),
      },
    }),
  });
  return made;
}

function addressOf(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

/** The addresses of all pages, one after the other; `between` runs after each. */
export function pagesOf(
  { residents }: Stand,
  filter: Parameters<Residents['page']>[0],
  limit: number,
  between: () => void = () => undefined,
): readonly string[] {
  const seen: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const { items, reached } = residents.page(filter, limit, cursor);
    seen.push(...items.map((item) => item.address));
    cursor = reached;
    between();
  }
  return seen;
}
