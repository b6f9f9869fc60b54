// SPDX-License-Identifier: Apache-2.0
// What a thread knows of an address: where it lives, who receives for its kind here, and what is counted for it.

import { type Address, type Kind, kindOf } from './address.ts';
import type { Envelope } from './envelope.ts';
import { markOf } from './layout.ts';
import type { KindCounts, Ledger } from './ledger.ts';

/** Takes the messages for the actors of one kind. It must not throw; when it does the ask fails and the thread goes on. */
export type Receiver = (envelope: Envelope) => void;

/** Who receives for a kind on this thread. */
export interface Host {
  receiver: Receiver | undefined;
  alive: ((of: Address) => boolean) | undefined;
}

export interface Route {
  readonly thread: number;
  readonly counts: KindCounts;
  readonly host: Host;
  /** See {@link markOf}. */
  readonly mark: number;
}

/** Routes remembered; addresses repeat, and a new one costs two look-ups and a hash. */
const MOST = 8192;

export class Routes {
  private readonly place: (of: Address) => number;
  private readonly ledger: Ledger;
  private readonly routes = new Map<Address, Route>();
  private readonly hosts = new Map<Kind, Host>();

  constructor(place: (of: Address) => number, ledger: Ledger) {
    this.place = place;
    this.ledger = ledger;
  }

  of(address: Address): Route {
    const known = this.routes.get(address);
    if (known !== undefined) return known;
    if (this.routes.size >= MOST) this.routes.clear();
    const route = {
      thread: this.place(address),
      counts: this.ledger.of(address),
      host: this.host(kindOf(address)),
      mark: markOf(address),
    };
    this.routes.set(address, route);
    return route;
  }

  host(kind: Kind): Host {
    let host = this.hosts.get(kind);
    if (host === undefined) {
      host = { receiver: undefined, alive: undefined };
      this.hosts.set(kind, host);
    }
    return host;
  }
}
