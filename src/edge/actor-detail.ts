// SPDX-License-Identifier: Apache-2.0
// One actor with everything about it: what its thread knows, whose parent it is on any thread, or that it sleeps.

import { type ActorInside, CHILDREN_MOST } from '../actors/thread/protocol.ts';
import { address, idOf, kindOf, parseAddress } from '../bus/address.ts';
import { failure, SigilError } from '../errors.ts';
import type { SessionRow } from '../stores/session-store.ts';
import { FRESH } from './access.ts';
import { ofAll } from './all-threads.ts';
import { tryAsk } from './ask.ts';
import type { EdgePorts } from './ports.ts';
import type { ActorAnswer } from './schemas/debug.ts';

/**
 * Where an actor lives, and where its children do, is not for the edge to know: all threads are asked.
 *
 * @throws SigilError `not_found`, or what became of asking when a thread that may host it did not answer
 */
export async function actorDetail(ports: EdgePorts, text: string, reveal: boolean): Promise<ActorAnswer> {
  const of = parseAddress(text);
  if (of === undefined) throw unknownActor(text);
  const { answers, unreachable, failed } = await ofAll(ports.threads, (thread) =>
    tryAsk(ports.bus, address('thread', thread), 'thread.actor', { address: text, reveal }),
  );
  const addresses = answers.flatMap(([, { children }]) => children.addresses);
  const about = {
    children: addresses.sort().slice(0, CHILDREN_MOST),
    children_total: answers.reduce((sum, [, { children }]) => sum + children.count, 0),
    ...(unreachable.length > 0 ? { unreachable } : {}),
  };
  const actor = answers.find(([, answer]) => answer.actor !== null)?.[1].actor;
  if (actor !== undefined && actor !== null) return { ...actor, ...about };
  if (failed !== undefined) throw new SigilError(failed);
  if (kindOf(of) !== 'session') throw unknownActor(text);
  return { ...asleep(ports, await session(ports, idOf(of), text), reveal), ...about };
}

async function session(ports: EdgePorts, session_id: string, text: string): Promise<SessionRow> {
  try {
    return await ports.store.read('session.get', { session_id }, FRESH);
  } catch (thrown) {
    if (thrown instanceof SigilError && thrown.failure.code === 'not_found') throw unknownActor(text);
    throw thrown;
  }
}

/** A session that is not in memory: nothing of it is on any thread, and it wakes with its next message. */
function asleep(ports: EdgePorts, row: SessionRow, reveal: boolean): ActorInside {
  const of = address('session', row.id);
  return {
    address: of,
    kind: 'session',
    id: row.id,
    parent: address('workspace', row.workspace_id),
    thread: ports.threadOf(of),
    state: 'asleep',
    since: row.updated_at,
    uptime_s: 0,
    mailbox: { depth: 0, capacity: ports.config.gateway.mailbox_capacity, oldest_ms: 0 },
    processed: 0,
    failed: 0,
    restarts: 0,
    last_event: null,
    asleep: true,
    context: { facts: { ...row, title: reveal ? row.title : `[${row.title.length} characters]` } },
    recent: [],
    machine: null,
  };
}

function unknownActor(text: string): SigilError {
  return new SigilError(failure('not_found', `There is no actor \`${text.slice(0, 256)}\`.`));
}
