// SPDX-License-Identifier: Apache-2.0
// `GET /metrics`: what there is to count and to measure, for Prometheus. All of it is loaded and gathered when somebody scrapes.

import { permits } from '../../security/permission.ts';
import { checkPermission } from '../access.ts';
import { writeText } from '../answer.ts';
import type { EdgeContext } from '../context.ts';
import { type Answer, type Exchange, type Route, STREAMED } from '../exchange.ts';
import type { Scrapes } from '../metrics/gather.ts';
import { unknownPath } from '../router.ts';

/** Opens this and nothing else: what a scraper is given. */
const NARROW = 'metrics:read';

export function metricsRoutes(edge: EdgeContext): readonly Route[] {
  let scrapes: Scrapes | undefined;
  const scrape = async ({ caller, response }: Exchange): Promise<Answer> => {
    if (!edge.ports.config.telemetry.metrics) throw unknownPath();
    if (!permits(caller.permissions, NARROW)) checkPermission(caller, 'admin:debug');
    const [{ Scrapes }, { METRICS_TYPE }] = await Promise.all([
      import('../metrics/gather.ts'),
      import('../metrics/text.ts'),
    ]);
    scrapes ??= new Scrapes(edge);
    const text = await scrapes.text();
    if (response.destroyed) return STREAMED;
    response.setHeader('Content-Type', METRICS_TYPE);
    writeText(response, 200, text);
    return STREAMED;
  };
  return [{ method: 'GET', path: '/metrics', stream: true, handle: scrape }];
}
