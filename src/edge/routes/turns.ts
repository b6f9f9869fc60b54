// SPDX-License-Identifier: Apache-2.0
// Turns: their record, their events from anywhere on, and stopping them; every turn of a session as it happens.

import { TURNS_TOPIC } from '../../actors/session/protocol.ts';
import { address } from '../../bus/address.ts';
import { topic } from '../../bus/envelope.ts';
import { failure, SigilError } from '../../errors.ts';
import type { TurnRow } from '../../stores/session-store.ts';
import type { TurnEventBatch } from '../../stores/turn-events.ts';
import { FRESH, ownSession, ownTurn } from '../access.ts';
import { ask } from '../ask.ts';
import { readBody } from '../body.ts';
import type { EdgeContext } from '../context.ts';
import type { EventStream } from '../event-stream.ts';
import { type Answer, type Exchange, json, param, type Route, STREAMED } from '../exchange.ts';
import { lastEventId } from '../last-event-id.ts';
import { invalid } from '../problem.ts';
import { NoBody } from '../schemas/requests.ts';
import { followSession } from '../session-follower.ts';
import { TurnFollower, type TurnPlace } from '../turn-follower.ts';
import { errorFrame, TurnStream } from '../turn-stream.ts';

const CANCEL_MS = 30_000;
const DRAINING = new SigilError(
  failure('draining', 'The gateway stopped before the turn was over; read on when it is back.'),
);

export function turnRoutes(edge: EdgeContext): readonly Route[] {
  const { ports } = edge;
  return [
    {
      method: 'GET',
      path: '/api/v1/turns/:id',
      handle: async (exchange) => json(await ownTurn(ports, exchange.caller, param(exchange, 'id'))),
    },
    { method: 'GET', path: '/api/v1/turns/:id/stream', stream: true, handle: (exchange) => again(edge, exchange) },
    { method: 'POST', path: '/api/v1/turns/:id/cancel', handle: (exchange) => cancel(edge, exchange) },
    {
      method: 'GET',
      path: '/api/v1/sessions/:id/stream',
      stream: true,
      handle: (exchange) => whatHappens(edge, exchange),
    },
  ];
}

/** Puts a turn's events on a stream until it ends or the reader goes. Subscribes first, then asks what was before. */
export function followTurn(edge: EdgeContext, stream: EventStream, turn: TurnPlace, from: number): void {
  const { bus } = edge.ports;
  const follower = new TurnFollower(edge.ports, turn, new TurnStream(stream, 'one turn', edge.ports.point), from);
  const unsubscribe = bus.subscribe(
    topic<TurnEventBatch>(address('session', turn.session_id), TURNS_TOPIC),
    {
      events: (batches) => follower.feedBatches(batches),
      lost: () => follower.catchUp(),
    },
    { lossless: true },
  );
  const release = edge.closing(() => stream.end(errorFrame(DRAINING)));
  stream.onClose(() => {
    unsubscribe();
    release();
    follower.stop();
  });
  follower.catchUp();
}

/** A turn's events again, after the last one the listener had. */
async function again(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { ports } = edge;
  const turn = await ownTurn(ports, exchange.caller, param(exchange, 'id'));
  const last = lastEventId(exchange);
  if (last !== undefined && last.of !== turn.id)
    throw invalid([{ path: 'last_event_id', message: 'is of another turn' }]);
  const from = last?.n ?? 0;
  const release = edge.enterStream(exchange.caller);
  try {
    if (isOver(turn)) return await retell(edge, exchange, turn, from, release);
    const stream = edge.openStream(exchange);
    stream.onClose(release);
    followTurn(edge, stream, { session_id: turn.session_id, turn_id: turn.id, seq: 0 }, from);
    return STREAMED;
  } catch (thrown) {
    release();
    throw thrown;
  }
}

function isOver(turn: TurnRow): boolean {
  return turn.status === 'finished' || turn.status === 'failed';
}

/** A turn that is over comes from its record; its lane need not wake up for it. */
async function retell(
  edge: EdgeContext,
  exchange: Exchange,
  turn: TurnRow,
  from: number,
  release: () => void,
): Promise<Answer> {
  const { events } = await edge.ports.store.read('turn.events', { turn_id: turn.id, from }, FRESH);
  if (events.length === 0) {
    release();
    // Nothing is left to tell; this status keeps a browser's EventSource from coming back for more.
    exchange.response.writeHead(204, { 'Cache-Control': 'no-store' });
    exchange.response.end();
    return STREAMED;
  }
  const stream = edge.openStream(exchange);
  stream.onClose(release);
  const sink = new TurnStream(stream, 'one turn');
  await sink.backlog(events);
  sink.ended();
  return STREAMED;
}

async function cancel(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { ports } = edge;
  await readBody(exchange, NoBody, 'allowed');
  const turn = await ownTurn(ports, exchange.caller, param(exchange, 'id'));
  if (isOver(turn)) return json({ turn_id: turn.id, status: 'ended' });
  const session = address('session', turn.session_id);
  const by = exchange.caller.user_id;
  const { status } = await ask(
    ports.bus,
    session,
    'session.cancel',
    { turn_id: turn.id, by },
    CANCEL_MS,
    exchange.requestId,
  );
  return json({ turn_id: turn.id, status });
}

/** Every turn of a session, whatever channel it came from, until the reader goes. */
async function whatHappens(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const session = await ownSession(edge.ports, exchange.caller, param(exchange, 'id'));
  const last = lastEventId(exchange);
  if (last !== undefined) {
    const turn = await ownTurn(edge.ports, exchange.caller, last.of);
    if (turn.session_id !== session.id)
      throw invalid([{ path: 'last_event_id', message: 'is of a turn of another session' }]);
  }
  const release = edge.enterStream(exchange.caller);
  const stream = edge.openStream(exchange);
  stream.onClose(release);
  const stop = followSession(edge.ports, session.id, new TurnStream(stream, 'many turns'), last);
  const settled = edge.untilClosing(() => stream.end(errorFrame(DRAINING)));
  stream.onClose(() => {
    stop();
    settled();
  });
  return STREAMED;
}
