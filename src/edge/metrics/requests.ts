// SPDX-License-Identifier: Apache-2.0
// Requests counted by their route and status, and how long they took: what is done for each is a look-up and two additions.

import type { MetricSample } from '../../actors/thread/protocol.ts';
import type { Route } from '../exchange.ts';
import { Durations } from './tally.ts';

interface OfRoute {
  readonly statuses: Map<number, number>;
  readonly durations: Durations;
}

/** What came before a route was found: refused at the door, or for no path there is. */
const NO_ROUTE = { method: '', path: '' } as const;
type Of = Pick<Route, 'method' | 'path'> | typeof NO_ROUTE;

export class RequestCounts {
  private readonly routes = new Map<Of, OfRoute>();

  /** @param seconds until the answer was written; undefined for a stream */
  note(route: Route | undefined, status: number, seconds: number | undefined): void {
    const key = route ?? NO_ROUTE;
    let of = this.routes.get(key);
    if (of === undefined) {
      of = { statuses: new Map(), durations: new Durations() };
      this.routes.set(key, of);
    }
    of.statuses.set(status, (of.statuses.get(status) ?? 0) + 1);
    if (seconds !== undefined) of.durations.note(seconds);
  }

  samples(): readonly MetricSample[] {
    return [...this.routes].flatMap(([{ method, path: route }, { statuses, durations }]) => [
      ...[...statuses].map(([status, value]) => ({
        name: 'sigil_http_requests_total',
        labels: { method, route, status: String(status) },
        value,
      })),
      ...durations.samples('sigil_http_request_duration_seconds', { route: `${method} ${route}`.trim() }),
    ]);
  }
}
