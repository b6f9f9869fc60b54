// SPDX-License-Identifier: Apache-2.0
// Secrets by their names: listed, set and removed. A value goes in and never comes out again.

import { parseSecretName, SECRET_NAME_RULE, type SecretName } from '../../config/secret-name.ts';
import type { NoteSecret } from '../../secrets/keeping.ts';
import { readBody, readQuery } from '../body.ts';
import type { EdgeContext } from '../context.ts';
import { type Answer, actorOf, type Exchange, json, param, type Route } from '../exchange.ts';
import { pageOf } from '../listed.ts';
import { invalid } from '../problem.ts';
import { PageQuery, SecretRequest } from '../schemas/requests.ts';

/** Whoever sets a secret may set the token of somebody who may everything. */
const ALL = 'admin:*';
const PATH = '/api/v1/secrets/:service/:account';

export function secretRoutes(edge: EdgeContext): readonly Route[] {
  const { secrets } = edge.ports;
  return [
    { method: 'GET', path: '/api/v1/secrets', needs: ALL, handle: (exchange) => list(edge, exchange) },
    { method: 'PUT', path: PATH, needs: ALL, handle: (exchange) => set(edge, exchange) },
    {
      method: 'DELETE',
      path: PATH,
      needs: ALL,
      handle: async (exchange) => json(await secrets.remove(nameOf(exchange), noteOf(edge, exchange))),
    },
  ];
}

async function list({ ports }: EdgeContext, exchange: Exchange): Promise<Answer> {
  const page = readQuery(exchange, PageQuery);
  const { items, ...about } = await ports.secrets.list();
  return json({ ...about, ...pageOf(items, ({ name }) => name, page) });
}

async function set(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { value } = await readBody(exchange, SecretRequest);
  return json(await edge.ports.secrets.set(nameOf(exchange), value, noteOf(edge, exchange)));
}

/** What was written is not repeated: it may be the secret itself. */
function nameOf(exchange: Exchange): SecretName {
  const name = parseSecretName(`${param(exchange, 'service')}/${param(exchange, 'account')}`);
  if (name !== undefined) return name;
  throw invalid([{ path: 'name', message: `is no name of a secret: ${SECRET_NAME_RULE}` }]);
}

function noteOf(edge: EdgeContext, exchange: Exchange): NoteSecret {
  const by = actorOf(exchange);
  return (action, details, result) => edge.ports.gateway.auditLog.note({ action, details, result }, by);
}
