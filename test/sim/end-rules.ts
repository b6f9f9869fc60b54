// SPDX-License-Identifier: Apache-2.0
// What must hold when everything has come to its end: all that was acknowledged is answered, nothing is held, views are the journal.

import { isDeepStrictEqual } from 'node:util';
import type { Ledger } from '../../src/actors/budget/ledger.ts';
import { address } from '../../src/bus/address.ts';
import { placement, threadNames } from '../../src/bus/layout.ts';
import { ask } from '../../src/edge/ask.ts';
import type { EdgePorts } from '../../src/edge/ports.ts';
import type { NumberedTurnEvent } from '../../src/stores/turn-events.ts';
import { endsTurn, eventsOf, NO_EVENTS } from '../../src/stores/turn-events.ts';
import { type Client, read } from './client.ts';
import { EPOCH } from './clock.ts';
import type { TurnFacts } from './journal-rules.ts';
import type { Machine } from './machine.ts';
import { sparesOf } from './settings.ts';

const WITHIN_MS = 20_000;

/** R1, owed and bounds; nothing is asked for this. */
export function restingRules(machine: Machine): void {
  const { rules, file, outside, plan } = machine;
  for (const { message_id, turn_id } of rules.acknowledged.values()) {
    const turn = rules.journal.answering(turn_id);
    if (turn?.ended == null) rules.broke('R1', `message ${message_id} was acknowledged and is not answered`);
  }
  const { pending } = rules.journal.compactions;
  if (pending > 0) rules.broke('memory', `${pending} compactions are not over in the end`);
  if (file.state.owed.size > 0) rules.broke('R1', `${file.state.owed.size} rows are owed in the end`);
  for (const stream of outside.streams) {
    if (!stream.life.dead) rules.broke('permits', `the model still runs for message ${stream.key}`);
  }
  if (plan.chat !== undefined && outside.platform !== null) rules.journal.chats.shown(plan.chat, outside.platform);
  for (const watch of machine.watches) watch.rests();
  machine.posts.rests();
}

/** Asks the gateway itself: its provider, its budgets, its views. */
export async function askedRules(machine: Machine, edge: EdgePorts, clients: readonly Client[]): Promise<void> {
  const { rules, plan } = machine;
  // Where mailboxes and windows are tiny, a release may be refused like any message: the lease ends with its holder's life.
  const crowded = plan.settings.mailbox_capacity < 100 || plan.settings.window < 100;
  for (const name of ['scripted', ...sparesOf(plan)]) {
    const provider = await ask(edge.bus, address('provider', name), 'provider.status', {}, WITHIN_MS);
    if (provider.in_flight + provider.waiting > 0 && !crowded) {
      rules.broke('permits', `${provider.in_flight} permits are held and ${provider.waiting} waited for in the end`);
    }
  }
  const budget = await ask(edge.bus, address('budget', 'global'), 'budget.status', {}, WITHIN_MS);
  if (budget.reserved.tokens !== 0 || budget.reserved.cost_usd !== 0) {
    rules.broke('budget', `${budget.reserved.tokens} tokens are reserved in the end`);
  }
  const used = await read(edge, 'usage.window', { scope: 'global', at: EPOCH }, 'latest');
  if (used.hour.tokens !== rules.journal.tokens) {
    rules.broke('views', `the views count ${used.hour.tokens} tokens, the journal ${rules.journal.tokens}`);
  }
  if (plan.settings.per_hour_tokens > 0) await budgetLedger(machine, edge);
  for (const turn of rules.journal.turns.values()) await turnInViews(machine, edge, turn);
  for (const stream of rules.journal.streams.keys())
    if (stream.startsWith('session/')) await sessionInViews(machine, edge, stream);
  await nothingMissing(machine, edge);
  if (!crowded) await awakeSessions(machine, edge);
  for (const approval of rules.journal.approvals.values()) {
    const row = await read(edge, 'approval.get', { id: approval.id }, 'latest');
    if (row.decision !== approval.decision || row.decided_by !== approval.by)
      rules.broke('views', `the request ${row.id} is ${row.decision}, in the journal ${approval.decision}`);
  }
  const { items } = await read(edge, 'approval.list', { page: { limit: 10 } }, 'latest');
  if (items.length > 0) rules.broke('views', `${items.length} requests for approval wait in the end`);
  for (const { listener } of clients) {
    if (listener === undefined) continue;
    const turn = rules.journal.answering(listener.turn_id);
    if (turn !== undefined) listener.compare(eventsFrom(turn));
  }
}

/** What the budget's actor has counted itself is what the journal holds: not a token more or less. */
async function budgetLedger({ rules, plan }: Machine, edge: EdgePorts): Promise<void> {
  const layout = { lanes: plan.lanes, io: 1 };
  const budget = address('budget', 'global');
  const thread = address('thread', threadNames(layout)[placement(layout)(budget)] ?? '');
  const { actor } = await ask(edge.bus, thread, 'thread.actor', { address: budget, reveal: false }, WITHIN_MS);
  if (actor === null) return rules.broke('budget', `${budget} does not live on ${thread}`);
  const { tokens } = (actor.context as { readonly ledger: Ledger }).ledger.hour;
  if (tokens !== rules.journal.tokens) {
    rules.broke('budget', `the budget counts ${tokens} tokens, the journal ${rules.journal.tokens}`);
  }
}

/** What the workspaces take to be awake are the sessions the lanes have. */
async function awakeSessions({ rules, plan }: Machine, edge: EdgePorts): Promise<void> {
  let here = 0;
  for (const thread of threadNames({ lanes: plan.lanes, io: 1 }).filter((name) => name.startsWith('lane-'))) {
    const body = { filter: { kind: 'session' }, limit: 1, cursor: '' };
    const { totals } = await ask(edge.bus, address('thread', thread), 'thread.actors', body, WITHIN_MS);
    here += totals.by_kind['session'] ?? 0;
  }
  const { items } = await read(edge, 'workspace.list', { page: { limit: 200 } }, 'latest');
  let awake = 0;
  for (const { id } of items)
    awake += (await ask(edge.bus, address('workspace', id), 'workspace.status', {}, WITHIN_MS)).awake;
  if (awake !== here)
    rules.broke('workspaces', `${awake} sessions are awake to their workspaces, ${here} are on lanes`);
}

/** The events of a turn as its rows tell them. */
function eventsFrom(turn: TurnFacts): readonly NumberedTurnEvent[] {
  const place = { session_id: turn.stream.slice('session/'.length), workspace_id: '' };
  const events: NumberedTurnEvent[] = [];
  let cursor = NO_EVENTS;
  for (const record of turn.records) {
    const told = eventsOf(record, place, cursor);
    cursor = told.cursor;
    // The first event names the workspace, which is the channel's to know.
    for (const event of told.events) if (event.event.event !== 'turn_started') events.push(event);
  }
  return events;
}

async function turnInViews({ rules }: Machine, edge: EdgePorts, turn: TurnFacts): Promise<void> {
  const { turn_id } = turn;
  const row = await read(edge, 'turn.get', { turn_id }, 'latest');
  if (turn.answered_by !== null) {
    if (row.id !== turn.answered_by.turn_id) rules.broke('views', `turn ${turn_id} leads to ${row.id}`);
    return;
  }
  if (row.message_ids.join() !== turn.message_ids.join())
    rules.broke('views', `turn ${turn_id} answers ${row.message_ids}, in the journal ${turn.message_ids}`);
  if (row.status !== turn.ended || row.reply_id !== (turn.reply_id === '' ? null : turn.reply_id)) {
    rules.broke(
      'views',
      `turn ${turn_id} is ${row.status} with ${row.reply_id}, in the journal ${turn.ended} with ${turn.reply_id}`,
    );
  }
  if (
    turn.ended === 'finished' &&
    row.tool_calls.filter(({ result }) => result !== null).length !== turn.returned.size
  ) {
    rules.broke('views', `turn ${turn_id} has results of ${turn.returned.size} tool calls that are not all read`);
  }
  const { events } = await read(edge, 'turn.events', { turn_id, from: 0 }, 'latest');
  if (events.filter(({ event }) => endsTurn(event)).length !== 1) {
    rules.broke('events', `the record of turn ${turn_id} has not exactly one end`);
  }
  if (
    !isDeepStrictEqual(
      events.filter(({ event }) => event.event !== 'turn_started'),
      eventsFrom(turn),
    )
  ) {
    rules.broke('views', `the record of turn ${turn_id} is not what its rows say`);
  }
}

/** What was said is in memory, or a summary stands for it that its session knows. */
async function nothingMissing({ rules }: Machine, edge: EdgePorts): Promise<void> {
  const summed = new Set<string>();
  for (const { session_id, message_ids } of rules.journal.compactions.stored.values())
    for (const id of message_ids) summed.add(`${session_id} ${id}`);
  const workspaces = await read(edge, 'workspace.list', { page: { limit: 200 } }, 'latest');
  const kept = new Set<string>();
  for (const { id: workspace_id } of workspaces.items) {
    let cursor: string | undefined;
    do {
      const body = { workspace_id, from: 0, to: Number.MAX_SAFE_INTEGER, page: { limit: 200, cursor } };
      const page = await read(edge, 'memory.messages', body, 'latest');
      for (const { session_id, id } of page.items) kept.add(`${session_id} ${id}`);
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
  }
  for (const { stream, message_id } of rules.journal.turns.values()) {
    const key = `${stream.slice('session/'.length)} ${message_id}`;
    if (!kept.has(key) && !summed.has(key)) rules.broke('memory', `${key} is neither in memory nor summed up`);
  }
}

async function sessionInViews({ rules }: Machine, edge: EdgePorts, stream: string): Promise<void> {
  const session_id = stream.slice('session/'.length);
  const turns = [...rules.journal.turns.values()].filter((turn) => turn.stream === stream);
  const read_ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await read(edge, 'session.messages', { session_id, page: { limit: 200, cursor } }, 'latest');
    for (const { role, id } of page.items) if (role === 'user') read_ids.push(id);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  const sent = turns.toSorted((one, other) => one.placed - other.placed).map(({ message_id }) => message_id);
  const answering = turns.filter(({ answered_by }) => answered_by === null).length;
  const session = await read(edge, 'session.get', { session_id }, 'latest');
  if (session.turns !== answering) rules.broke('views', `${stream} has ${session.turns} turns, not ${answering}`);
  if (!isDeepStrictEqual(read_ids, sent)) {
    rules.broke('views', `${stream} has messages ${read_ids.join()}, in the journal ${sent.join()}`);
  }
}
