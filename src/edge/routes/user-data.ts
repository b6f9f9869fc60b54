// SPDX-License-Identifier: Apache-2.0
// Everything about somebody at once: as one document, to be had by themselves too, and erased for good.

import type { StoredErasure } from '../../stores/directory-records.ts';
import { checkPermission, FRESH, WORKSPACE_ID } from '../access.ts';
import { readBody } from '../body.ts';
import { sendBytes } from '../byte-stream.ts';
import type { EdgeContext } from '../context.ts';
import { type Answer, actorOf, type Exchange, json, param, type Route, STREAMED } from '../exchange.ts';
import { invalid, Refusal } from '../problem.ts';
import { EraseRequest } from '../schemas/directory.ts';
import type { ErasureAnswer } from '../schemas/directory-answers.ts';
import { userExport } from '../user-export.ts';

const ALL = 'admin:*';

export function userDataRoutes(edge: EdgeContext): readonly Route[] {
  return [
    { method: 'GET', path: '/api/v1/users/:id/export', handle: (exchange) => exported(edge, exchange) },
    { method: 'POST', path: '/api/v1/users/:id/erase', needs: ALL, handle: (exchange) => erase(edge, exchange) },
    {
      method: 'GET',
      path: '/api/v1/users/:id/erasure',
      needs: ALL,
      handle: (exchange) => {
        const id = param(exchange, 'id');
        const erasure = edge.ports.erasure.find(id);
        if (erasure === undefined) throw new Refusal('not_found', `Nothing about ${id} was erased.`);
        return json(shown(edge, erasure));
      },
    },
  ];
}

async function exported(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const id = param(exchange, 'id');
  if (exchange.caller.user_id !== id) checkPermission(exchange.caller, ALL);
  const workspaces = await known(edge, id);
  await sendBytes(edge, exchange, userExport(edge, id, workspaces), {
    'Content-Type': 'application/json',
    'Content-Disposition': `attachment; filename="user-${id.replaceAll(/[^a-z0-9_-]/g, '_')}.json"`,
  });
  return STREAMED;
}

async function erase(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const id = param(exchange, 'id');
  const { confirm } = await readBody(exchange, EraseRequest);
  if (confirm !== id) throw invalid([{ path: 'confirm', message: 'is not the id of the user in the path' }]);
  if (!edge.ports.erasure.erasing(id)) await known(edge, id);
  return json(shown(edge, await edge.ports.erasure.begin(id, actorOf(exchange))));
}

/** Where somebody has something. @throws Refusal `not_found` for who has nothing and is no user */
async function known({ ports }: EdgeContext, user_id: string): Promise<readonly string[]> {
  const own = `personal:${user_id}`;
  if (!WORKSPACE_ID.test(own)) throw new Refusal('not_found', `There is no user ${user_id.slice(0, 64)}.`);
  const { workspaces, sessions } = await ports.store.read('user.content', { user_id }, FRESH);
  if (workspaces.length === 0 && sessions.length === 0) await ports.gateway.users.get(user_id);
  const member = Object.entries(ports.config.workspaces).flatMap(([id, { members }]) =>
    members.includes(user_id) ? [id] : [],
  );
  const made = ports.places.made().flatMap(({ id: of, members }) => (members.includes(user_id) ? [of] : []));
  return [...new Set([own, ...workspaces, ...member, ...made])];
}

function shown({ ports }: EdgeContext, { id, user_id, began_at, done_at }: StoredErasure): ErasureAnswer {
  const { world } = ports;
  const status = done_at === null ? 'running' : 'done';
  return { id, user_id, status, began_at: world.iso(began_at), done_at: done_at === null ? null : world.iso(done_at) };
}
