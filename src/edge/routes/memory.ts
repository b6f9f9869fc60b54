// SPDX-License-Identifier: Apache-2.0
// A workspace's memory as it is searched: messages by their words, and everything a text brings to mind.

import type { Found, MemoryMessageRow, SummaryRow } from '../../stores/memory-queries.ts';
import { recall } from '../../stores/recall.ts';
import { USUAL_KINDS } from '../../stores/scope-words.ts';
import type { VectorResult } from '../../stores/vector-store.ts';
import { checkWorkspace, FRESH, ownSession, seesAll } from '../access.ts';
import { readQuery } from '../body.ts';
import type { EdgeContext } from '../context.ts';
import { type Answer, type Exchange, json, type Route } from '../exchange.ts';
import { Refusal } from '../problem.ts';
import type { FoundMessageItem, FoundSimilarItem, FoundSummaryItem } from '../schemas/answers.ts';
import { MemoryRecallQuery, MemorySearchQuery } from '../schemas/requests.ts';
import { similarTexts } from '../similar.ts';

export function memoryRoutes(edge: EdgeContext): readonly Route[] {
  return [
    { method: 'GET', path: '/api/v1/memory/search', handle: (exchange) => search(edge, exchange) },
    { method: 'GET', path: '/api/v1/memory/recall', handle: (exchange) => recallText(edge, exchange) },
  ];
}

async function search(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { q: text, workspace, session, role, from, to, match, limit, cursor } = readQuery(exchange, MemorySearchQuery);
  const scope = await scopeOf(edge, exchange, workspace, session);
  const { items, next_cursor } = await edge.ports.store.read(
    'memory.search',
    {
      ...scope,
      text,
      match,
      kinds: role === undefined ? USUAL_KINDS : [role],
      ...(from === undefined ? {} : { from: Date.parse(from) }),
      ...(to === undefined ? {} : { to: Date.parse(to) }),
      page: { limit, cursor },
    },
    FRESH,
  );
  return json({ items: items.map(messageItem), next_cursor });
}

async function recallText(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { q: text, workspace, session, limit } = readQuery(exchange, MemoryRecallQuery);
  const scope = await scopeOf(edge, exchange, workspace, session);
  const { known, messages, summaries } = await recall(edge.ports.store, { ...scope, text, limit }, FRESH);
  const facts = known.flatMap((one) => (one.kind === 'fact' ? [one.fact] : []));
  const found = new Set([...facts, ...messages, ...summaries].map(({ id }) => id));
  const similar = await similarTexts(edge.ports, { ...scope, text, limit, known: found });
  return json({
    facts,
    entities: known.flatMap((one) => (one.kind === 'entity' ? [one.entity] : [])),
    summaries: summaries.map(summaryItem),
    messages: messages.map(messageItem),
    similar: similar.items.map(similarItem),
    similar_error: similar.error,
  });
}

/**
 * Where is looked and whose: a session's workspace when a session is named, else the one that is named, else the caller's
 * own. Other people's words are found by whom their sessions are open to.
 *
 * @throws Refusal when the caller may not look there
 */
async function scopeOf(
  { ports }: EdgeContext,
  { caller }: Exchange,
  workspace: string | undefined,
  session: string | undefined,
): Promise<{ readonly workspace_id: string; readonly user_id?: string; readonly session_id?: string }> {
  const own = seesAll(caller) ? {} : { user_id: caller.user_id };
  if (session !== undefined) {
    const { id: session_id, workspace_id } = await ownSession(ports, caller, session);
    if (workspace !== undefined && workspace !== workspace_id)
      throw new Refusal('not_found', `The session ${session_id} is not in the workspace ${workspace}.`);
    return { workspace_id, session_id, ...own };
  }
  const workspace_id = workspace ?? `personal:${caller.user_id}`;
  checkWorkspace(caller, workspace_id, ports.places);
  return { workspace_id, ...own };
}

function messageItem(found: Found<MemoryMessageRow>): FoundMessageItem {
  const { id, session_id, turn_id, user_id, role, origin, snippet, created_at } = found;
  return { id, session_id, turn_id, user_id, role, origin, snippet, created_at };
}

function summaryItem({ id, session_id, from, to, content, snippet, created_at }: Found<SummaryRow>): FoundSummaryItem {
  return { id, session_id, from, to, content, snippet, created_at };
}

/** How much of a text is shown, in UTF-16 units. */
const SHOWN = 500;

function similarItem({ source, ref: id, session_id, text, score, created_at }: VectorResult): FoundSimilarItem {
  const shown = text.length > SHOWN ? `${text.slice(0, SHOWN).toWellFormed()}…` : text;
  return { source, id, session_id, text: shown, score, created_at: new Date(created_at).toISOString() };
}
