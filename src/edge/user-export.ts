// SPDX-License-Identifier: Apache-2.0
// Everything that is held about somebody as one JSON document, read page by page as it is sent.

import { toFailure } from '../errors.ts';
import type { AuditEntry } from '../stores/gateway-store.ts';
import type { Page, PageRequest } from '../stores/page.ts';
import type { ReadStore } from '../stores/session-store.ts';
import { FRESH } from './access.ts';
import type { EdgeContext } from './context.ts';
import type { EdgePorts } from './ports.ts';
import { shownEntry, shownUse } from './routes/audit.ts';
import { shownToken } from './routes/tokens.ts';
import { shownPairing, shownUser } from './routes/users.ts';

/** The version of the form. */
const EXPORT_FORMAT = 1;
const PAGE = 200;
/** Text collected before it is sent, in UTF-16 units. */
const CHUNK = 64 * 1024;

type Items = AsyncIterable<unknown> | Iterable<unknown>;

/** What somebody has, by the store it is in. */
export async function* userExport(
  edge: EdgeContext,
  user_id: string,
  workspaces: readonly string[],
): AsyncGenerator<string> {
  const { ports } = edge;
  const { store, world } = ports;
  const own = `personal:${user_id}`;
  /** In their own workspace what is nobody's is theirs. */
  const theirs = (workspace_id: string, owner: string): boolean =>
    owner === user_id || (owner === '' && workspace_id === own);
  const perWorkspace = async function* (of: (workspace_id: string) => Record<string, Items>): AsyncGenerator<unknown> {
    for (const workspace_id of workspaces) {
      const found: Record<string, unknown[]> = {};
      for (const [name, items] of Object.entries(of(workspace_id))) found[name] = await all(items);
      if (Object.values(found).some((items) => items.length > 0)) yield { workspace_id, ...found };
    }
  };
  const parts: Record<string, Items> = {
    users: await directoryOf(ports, user_id),
    pairings: mapped(
      paged((page) => ports.gateway.pairings.list({ userId: user_id }, page)),
      shownPairing,
    ),
    tokens: mapped(
      paged((page) => ports.gateway.tokens.list({ userId: user_id }, page)),
      (token) => shownToken(edge, token),
    ),
    sessions: sessionsOf(store, user_id, workspaces),
    memory: perWorkspace((workspace_id) => ({
      messages: filtered(
        paged((page) =>
          store.read('memory.messages', { workspace_id, from: 0, to: Number.MAX_SAFE_INTEGER, page }, FRESH),
        ),
        (message) => theirs(workspace_id, message.user_id),
      ),
      summaries: paged((page) =>
        store.read(
          'memory.summaries',
          { workspace_id, user_id, from: 0, to: Number.MAX_SAFE_INTEGER, order: 'oldest', page },
          FRESH,
        ),
      ),
    })),
    knowledge: perWorkspace((workspace_id) => ({
      entities: filtered(
        paged((page) => store.read('knowledge.entities', { workspace_id, user_id, page }, FRESH)),
        (entity) => theirs(workspace_id, entity.user_id),
      ),
      facts: filtered(
        paged((page) => store.read('knowledge.facts', { workspace_id, user_id, page }, FRESH)),
        (fact) => theirs(workspace_id, fact.user_id),
      ),
    })),
    vectors: perWorkspace((workspace_id) => ({
      items: paged((page) => store.read('vectors.items', { workspace_id, user_id, page }, FRESH)),
    })),
    usage: mapped(
      paged((page) => ports.usage.query({ by: 'model', per: 'hour', userId: user_id }, page)),
      shownUse,
    ),
    audit: mapped(
      filtered(
        paged((page) => ports.gateway.auditLog.query({}, page)),
        (entry) => isAbout(entry, user_id),
      ),
      shownEntry,
    ),
  };
  const head = { format: 'sigil-user-export', version: EXPORT_FORMAT, user_id, exported_at: world.iso(world.now()) };
  let text = JSON.stringify(head).slice(0, -1);
  for (const [name, items] of Object.entries(parts)) {
    text += `,\n${JSON.stringify(name)}:[`;
    let first = true;
    for await (const item of items) {
      text += `${first ? '\n' : ',\n'}${JSON.stringify(item)}`;
      first = false;
      if (text.length < CHUNK) continue;
      yield text;
      text = '';
    }
    text += ']';
  }
  yield `${text}}\n`;
}

/** Nobody has to be a user here to have written something. */
async function directoryOf({ gateway }: EdgePorts, user_id: string): Promise<readonly unknown[]> {
  try {
    return [shownUser(await gateway.users.get(user_id))];
  } catch (thrown) {
    if (toFailure(thrown).code === 'not_found') return [];
    throw thrown;
  }
}

async function* sessionsOf(
  store: ReadStore,
  user_id: string,
  workspaces: readonly string[],
): AsyncGenerator<Record<string, unknown>> {
  for (const workspace_id of workspaces) {
    const sessions = paged((page) => store.read('session.list', { workspace_id, user_id, page }, FRESH));
    for await (const session of sessions) {
      const of = { session_id: session.id };
      const { details } = await store.read('session.details', of, FRESH);
      const messages = await all(paged((page) => store.read('session.messages', { ...of, page }, FRESH)));
      yield { ...session, details, messages };
    }
  }
}

/** Done by them, or to them. */
function isAbout({ actor, action, details }: AuditEntry, user_id: string): boolean {
  return (
    actor === user_id || details['user_id'] === user_id || (action.startsWith('user.') && details['id'] === user_id)
  );
}

async function* paged<T>(read: (page: PageRequest) => Promise<Page<T>>): AsyncGenerator<T> {
  for (let cursor: string | undefined; ; ) {
    const { items, next_cursor } = await read({ limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    yield* items;
    if (next_cursor === null) return;
    cursor = next_cursor;
  }
}

async function* filtered<T>(items: AsyncIterable<T>, fits: (item: T) => boolean): AsyncGenerator<T> {
  for await (const item of items) if (fits(item)) yield item;
}

async function* mapped<T>(items: AsyncIterable<T>, shown: (item: T) => unknown): AsyncGenerator<unknown> {
  for await (const item of items) yield shown(item);
}

async function all<T>(items: AsyncIterable<T> | Iterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
