// SPDX-License-Identifier: Apache-2.0
// `GET /v1/models`: every model that is known, and the agents of the workspaces that the caller may enter.

import { mayEnter } from '../access.ts';
import type { EdgeContext } from '../context.ts';
import { type Answer, type Exchange, json, param } from '../exchange.ts';
import { Refusal } from '../problem.ts';
import { listedModels } from '../provider-models.ts';
import { WORKSPACE_MODEL } from './chat.ts';

/** How long vendors may take to tell theirs, in milliseconds: what is known without asking is told anyway. */
const WITHIN = 5_000;
/** Nobody tells us when a model was made; the clients want a number. */
const CREATED = 0;

interface Entry {
  readonly id: string;
  readonly object: 'model';
  readonly created: number;
  readonly owned_by: string;
}

const entry = (id: string, owned_by: string): Entry => ({ id, object: 'model', created: CREATED, owned_by });

export async function modelList(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  return json({ object: 'list', data: await known(edge, exchange) });
}

export async function oneModel(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const id = param(exchange, 'id');
  const found = (await known(edge, exchange)).find((model) => model.id === id);
  if (found === undefined) throw new Refusal('not_found', `There is no model ${id.slice(0, 200)} here.`);
  return json(found);
}

async function known(edge: EdgeContext, { caller }: Exchange): Promise<readonly Entry[]> {
  const { providers, config, places, workspaces } = edge.ports;
  const lists = await Promise.all(
    providers.map(async ({ name, models }) => {
      const listed = await listedModels(edge, name, models, WITHIN);
      return listed.models.map(({ id }) => `${name}/${id}`);
    }),
  );
  const { models, sessions } = config;
  const named = [models.default, ...Object.values(models.overrides), ...models.failover];
  const vectors = ['sigil/hash-384', sessions.memory.embeddings.model];
  const ids = new Set([...lists.flat(), ...named, ...vectors].filter((id) => id.includes('/')));
  const mine = [`personal:${caller.user_id}`, ...workspaces, ...places.made().map(({ id }) => id)];
  const open = new Set(mine.filter((id) => mayEnter(caller, id, places)));
  return [
    ...[...ids].sort().map((id) => entry(id, id.slice(0, id.indexOf('/')))),
    ...[...open].sort().map((id) => entry(`${WORKSPACE_MODEL}${id}`, 'sigil')),
  ];
}
