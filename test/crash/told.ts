// SPDX-License-Identifier: Apache-2.0
// What clients were told, held against what is kept: asked for again over HTTP, and in the journal.

import type { JournalAudit } from './audit.ts';
import type { Said, Talker } from './talker.ts';
import { TurnReader } from './turn-reader.ts';
import { ask, follow, type Wire } from './wire.ts';

/** Answers and streams asked for again at the end, of each client. */
const ASKED_AGAIN = 5;

/** The last answers under their ids, the last streams from their beginning, and the sessions as they are kept. */
export async function heldAgainst(wire: Wire, talkers: readonly Talker[]): Promise<readonly string[]> {
  const problems: string[] = [];
  const sessions = new Map<string, Said[]>();
  for (const { said } of talkers) {
    const answered = said.filter(({ outcome }) => outcome === 'answered');
    for (const one of answered.slice(-ASKED_AGAIN)) problems.push(...(await sameAnswer(wire, one)));
    const streamed = answered.filter(({ reader }) => reader.over);
    for (const one of streamed.slice(-ASKED_AGAIN)) problems.push(...(await sameStream(wire, one)));
    for (const one of said) {
      if (one.outcome === 'left' || one.session_id === '') continue;
      sessions.set(one.session_id, [...(sessions.get(one.session_id) ?? []), one]);
    }
  }
  for (const [session_id, said] of sessions) problems.push(...(await sameSession(wire, session_id, said)));
  return problems;
}

async function sameAnswer(wire: Wire, said: Said): Promise<readonly string[]> {
  const { message_id, session_id, content, turn_id, reply_id, answer } = said;
  const body = { content, message_id, session_id };
  const again = await ask(wire, { method: 'POST', path: '/api/v1/chat', body });
  const kept = again?.body ?? {};
  const same = kept['turn_id'] === turn_id && kept['reply_id'] === reply_id && kept['content'] === answer;
  return same ? [] : [`${message_id} was answered ${turn_id} ${reply_id} "${answer}" and then ${JSON.stringify(kept)}`];
}

async function sameStream(wire: Wire, { message_id, reader }: Said): Promise<readonly string[]> {
  const again = new TurnReader();
  const path = `/api/v1/turns/${reader.turn_id}/stream`;
  const call = { method: 'GET', path } as const;
  await follow(
    wire,
    call,
    () => undefined,
    (event) => {
      again.take(event);
      return true;
    },
  );
  const found = [...again.problems, ...again.differs(reader)];
  if (JSON.stringify(again.done) !== JSON.stringify(reader.done))
    found.push(`it ended with ${JSON.stringify(reader.done)} and, read again, with ${JSON.stringify(again.done)}`);
  return found.map((problem) => `${message_id}: ${problem}`);
}

interface Kept {
  readonly id: string;
  readonly role: string;
  readonly turn_id: string;
}

async function sameSession(wire: Wire, session_id: string, said: readonly Said[]): Promise<readonly string[]> {
  const kept: Kept[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const from: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const path = `/api/v1/sessions/${session_id}/messages?limit=200${from}`;
    const page = await ask(wire, { method: 'GET', path });
    if (page?.status !== 200) return [`the messages of session ${session_id} cannot be read: ${page?.status}`];
    const body = page.body as unknown as { items: readonly Kept[]; next_cursor: string | null };
    kept.push(...body.items);
    cursor = body.next_cursor;
  }
  const found: string[] = [];
  const times = new Map<string, number>();
  for (const { id } of kept) times.set(id, (times.get(id) ?? 0) + 1);
  for (const { message_id, reply_id, outcome, finish } of said) {
    if (times.get(message_id) !== 1) found.push(`${message_id} is kept ${times.get(message_id) ?? 0} times`);
    const replies = times.get(reply_id) ?? 0;
    // A turn that was cancelled before it said anything has no reply to keep.
    const wrong = finish === 'cancelled' ? replies > 1 : replies !== 1;
    if (outcome === 'answered' && wrong) found.push(`${message_id}: its reply ${reply_id} is kept ${replies} times`);
  }
  return found;
}

/** Acknowledged messages the journal does not have, has under another turn, or has in another order than they were sent. */
export function lostOrMoved(said: readonly Said[], journal: JournalAudit): readonly string[] {
  const problems: string[] = [];
  const turns = new Map<string, string>();
  for (const [key, turn] of journal.received) turns.set(key.slice(key.indexOf(' ') + 1), turn);
  const known = new Set<string>();
  for (const { message_id, turn_id, outcome } of said) {
    known.add(message_id);
    const turn = turns.get(message_id);
    if (turn === undefined) problems.push(`${message_id} was acknowledged (${outcome}) and is lost`);
    else if (turn_id !== '' && turn !== turn_id)
      problems.push(`${message_id} was acknowledged as turn ${turn_id} and is kept as ${turn}`);
  }
  for (const message_id of turns.keys()) if (!known.has(message_id)) problems.push(`nobody said ${message_id}`);
  for (const [stream, ids] of journal.order) {
    const last = new Map<string, number>();
    for (const id of ids) {
      const cut = id.lastIndexOf('-');
      const [client, at] = [id.slice(0, cut), Number(id.slice(cut + 1))];
      if (at <= (last.get(client) ?? -1)) problems.push(`${stream}: ${id} came after ${client}-${last.get(client)}`);
      last.set(client, at);
    }
  }
  return problems;
}
