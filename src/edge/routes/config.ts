// SPDX-License-Identifier: Apache-2.0
// The configuration in force, with its secrets hidden, and reading it again.

import { readBody } from '../body.ts';
import type { EdgeContext } from '../context.ts';
import { type Answer, actorOf, type Exchange, json, type Route } from '../exchange.ts';
import type { LiveConfiguration } from '../ports.ts';
import { Refusal } from '../problem.ts';
import { NoBody } from '../schemas/requests.ts';
import type { ConfigAnswer, ReloadedAnswer } from '../schemas/system.ts';

const NEEDS = 'admin:config';

export function configRoutes(edge: EdgeContext): readonly Route[] {
  return [
    { method: 'GET', path: '/api/v1/config', needs: NEEDS, handle: () => show(edge) },
    { method: 'POST', path: '/api/v1/config/reload', needs: NEEDS, handle: (exchange) => reload(edge, exchange) },
  ];
}

/** @throws Refusal `not_found` where the configuration stays as it is */
function configurationOf({ ports: { configuration } }: EdgeContext): LiveConfiguration {
  if (configuration === undefined)
    throw new Refusal('not_found', 'The configuration of this gateway cannot be looked at.');
  return configuration;
}

async function show(edge: EdgeContext): Promise<Answer> {
  const configuration = configurationOf(edge);
  const { redactor } = edge.ports;
  const shown = await configuration.shown();
  const body: ConfigAnswer = {
    config: redactor === undefined ? shown : redactor.data(shown),
    ...configuration.status(),
  };
  return json(body);
}

async function reload(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  if (edge.ports.state() === 'draining') throw new Refusal('draining', 'The gateway is stopping.');
  await readBody(exchange, NoBody, 'allowed');
  const outcome = await configurationOf(edge).reload(actorOf(exchange));
  if (!outcome.ok) {
    const { errors } = outcome;
    const count = errors.length === 1 ? 'a problem' : `${errors.length} problems`;
    const says = `The configuration has ${count}; the one before stays in force.`;
    throw new Refusal('validation_failed', says, {
      errors: errors.map(({ key, message }) => ({ path: key, message })),
    });
  }
  const { applied, restart_pending } = outcome;
  const { quarantined } = edge.ports;
  const body: ReloadedAnswer = { applied, restart_pending, quarantined };
  return json(body);
}
