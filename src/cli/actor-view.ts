// SPDX-License-Identifier: Apache-2.0
// Actors as they are shown: the live list by thread, and one actor with its recent steps.

import { pickActors } from './actor-pick.ts';
import type { Call } from './command.ts';
import { withGateway } from './connect.ts';
import { type JsonObject, number, object, objects, text } from './json-reading.ts';
import { documentText, type Output } from './output.ts';
import { listOf } from './pages.ts';
import { counted, countsText, stateText } from './state-text.ts';
import { tableLines } from './table.ts';
import { oneLine } from './terminal-text.ts';
import { agoText, spanText } from './time-text.ts';

/** More actors than anybody reads; the totals still count all. */
const MOST = 1_000;

/** The page of one actor: an id may hold anything, the kind before it may not. */
function actorPath(address: string): string {
  const [kind = '', ...id] = address.split('/');
  return `/debug/actors/${encodeURIComponent(kind)}/${encodeURIComponent(id.join('/'))}`;
}

function eventText(actor: JsonObject, now: number): string {
  const event = object(actor['last_event']);
  const type = oneLine(text(event['type']));
  return type === '' ? '–' : `${type} ${agoText(text(event['at']), now)}`;
}

function actorRow(actor: JsonObject, depth: number, now: number): string[] {
  const mailbox = object(actor['mailbox']);
  const failed = number(actor['failed']);
  const restarts = number(actor['restarts']);
  return [
    `${'  '.repeat(depth)}${oneLine(text(actor['address']))}`,
    actor['asleep'] === true ? 'asleep' : stateText(actor['state']),
    `${number(mailbox['depth'])}/${number(mailbox['capacity'])}`,
    String(number(actor['processed'])),
    [failed > 0 ? `${failed} failed` : '', restarts > 0 ? counted(restarts, 'restart') : ''].filter(Boolean).join(', '),
    eventText(actor, now),
  ];
}

/** Children under their parents; an actor whose parent is elsewhere or not listed stands at the top. */
function* byParent(actors: readonly JsonObject[]): Generator<readonly [JsonObject, number]> {
  const listed = new Set(actors.map((actor) => text(actor['address'])));
  const below = new Map<string, JsonObject[]>();
  for (const actor of actors) {
    const parent = text(actor['parent']);
    const key = listed.has(parent) && parent !== text(actor['address']) ? parent : '';
    below.set(key, [...(below.get(key) ?? []), actor]);
  }
  const shown = new Set<string>();
  function* walk(parent: string, depth: number): Generator<readonly [JsonObject, number]> {
    for (const actor of below.get(parent) ?? []) {
      const address = text(actor['address']);
      if (shown.has(address)) continue;
      shown.add(address);
      yield [actor, depth];
      yield* walk(address, depth + 1);
    }
  }
  yield* walk('', 0);
}

const TROUBLE = 4;

/** Actors as a table of one thread after the other; the totals are of all kinds, also when one is asked for. */
function actorLines(document: JsonObject, kind: string | undefined, output: Output, now: number): string[] {
  const { paint } = output;
  const actors = objects(document['items']);
  const totals = object(document['totals']);
  const kinds = kind === undefined ? countsText(totals['by_kind']) : oneLine(kind);
  const of = kind === undefined ? totals['actors'] : object(totals['by_kind'])[kind];
  const count = number(of) || actors.length;
  const lines = [`${paint.bold(counted(count, 'actor'))}${kinds === '' ? '' : `  ${paint.dim(kinds)}`}`];
  const threads = Map.groupBy(actors, (actor) => text(actor['thread']));
  const head = ['ACTOR', 'STATE', 'MAILBOX', 'PROCESSED', 'TROUBLE', 'LAST EVENT'];
  const rows: string[][] = [head];
  const headings = new Map<number, string>();
  for (const thread of [...threads.keys()].toSorted()) {
    const items = threads.get(thread) ?? [];
    const here = kind === undefined ? number(object(totals['by_thread'])[thread]) : 0;
    headings.set(rows.length, `${paint.bold(oneLine(thread))}  ${paint.dim(counted(here || items.length, 'actor'))}`);
    for (const [actor, depth] of byParent(items)) rows.push(actorRow(actor, depth, now));
  }
  // Most of the time nothing is wrong, and then the column would only take room.
  const troubled = rows.some((row, index) => index > 0 && row[TROUBLE] !== '');
  const shown = troubled ? rows : rows.map((row) => row.toSpliced(TROUBLE, 1));
  // One table over all threads, so that columns line up from the first to the last.
  const table = tableLines(shown, { right: [2, 3], give: [troubled ? 5 : 4, 0], width: output.width(), indent: '  ' });
  for (const [index, line] of table.entries()) {
    const heading = headings.get(index);
    if (heading !== undefined) lines.push('', heading);
    lines.push(index === 0 ? paint.dim(line) : line);
  }
  const choose = kind === undefined ? '; choose with --kind' : '';
  if (count > actors.length) lines.push('', paint.dim(`and ${count - actors.length} more${choose}`));
  return lines;
}

/** One actor with what it did last. */
function detailLines(actor: JsonObject, output: Output, now: number): string[] {
  const { paint } = output;
  const mailbox = object(actor['mailbox']);
  const facts = [
    ['kind', oneLine(text(actor['kind']))],
    ['thread', oneLine(text(actor['thread']))],
    ['parent', oneLine(text(actor['parent'])) || '–'],
    [
      'state',
      `${actor['asleep'] === true ? 'asleep, ' : ''}${stateText(actor['state'])}, since ${agoText(text(actor['since']), now)}`,
    ],
    ['uptime', spanText(number(actor['uptime_s']))],
    [
      'mailbox',
      `${number(mailbox['depth'])} of ${number(mailbox['capacity'])}, oldest waits ${number(mailbox['oldest_ms'])} ms`,
    ],
    [
      'messages',
      `${number(actor['processed'])} processed, ${number(actor['failed'])} failed, ${counted(number(actor['restarts']), 'restart')}`,
    ],
    ['last event', eventText(actor, now)],
  ];
  const lines = [paint.bold(oneLine(text(actor['address']))), ...tableLines(facts, { indent: '  ' })];
  const children = actor['children'];
  if (Array.isArray(children) && children.length > 0) {
    lines.push('', paint.bold('Children'), ...children.map((child) => `  ${oneLine(text(child))}`));
  }
  const steps = objects(actor['recent']).map((step) => [
    agoText(text(step['at']), now),
    oneLine(text(step['event'])),
    `${stateText(step['from_state'])} → ${stateText(step['to_state'])}`,
    `${number(step['took_us'])} µs`,
  ]);
  if (steps.length > 0) {
    lines.push(
      '',
      paint.bold('Recent'),
      ...tableLines(steps, { indent: '  ', right: [3], give: [2], width: output.width() }),
    );
  }
  const context = actor['context'];
  if (context !== undefined && context !== null) {
    const shown = documentText(context, 2)
      .split('\n')
      .map((line) => `  ${line}`);
    lines.push('', paint.bold('Context'), ...shown);
  }
  return lines;
}

/**
 * The document that the command shows: the list, or the one actor.
 *
 * @param most actors there is room for; as a document it is the first ones, and where the rest begins
 */
export async function actorsDocument(call: Call, most = MOST): Promise<JsonObject> {
  const address = call.args[0];
  const kind = call.value('kind');
  return await withGateway(call, async (client) => {
    if (address !== undefined) return object(await client.get(actorPath(address)));
    const { items, nextCursor, first } = call.output.json
      ? await listOf(client, '/debug/actors', most, { kind })
      : await pickActors(client, most, kind);
    return { items, next_cursor: nextCursor, totals: object(first['totals']) };
  });
}

/** The document as lines. */
export function documentLines(call: Call, document: JsonObject): string[] {
  const now = Date.now();
  if (call.args[0] !== undefined) return detailLines(document, call.output, now);
  return actorLines(document, call.value('kind'), call.output, now);
}
