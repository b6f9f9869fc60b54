// SPDX-License-Identifier: Apache-2.0
// Chat: a message in, its whole answer or the events of its turn out.

import type { Delivered } from '../../actors/session/protocol.ts';
import { SigilError } from '../../errors.ts';
import type { TurnRow } from '../../stores/session-store.ts';
import { checkWorkspace, idFrom, ownSession } from '../access.ts';
import { Patience, passing } from '../ask.ts';
import { readBody } from '../body.ts';
import type { EdgeContext } from '../context.ts';
import { frame } from '../event-stream.ts';
import { type Answer, type Exchange, type Handler, json, param, type Route, STREAMED } from '../exchange.ts';
import type { AttachmentUploads } from '../ports.ts';
import { about, invalid, Refusal, tooMany, turnProblem } from '../problem.ts';
import { CHANNEL_HEADER, channelOf, deliver, turnEnd } from '../receive.ts';
import type { ChatAnswer } from '../schemas/answers.ts';
import { type ChatBody, ChatRequest } from '../schemas/requests.ts';
import { PAUSED_WARNING } from './agent.ts';
import { followTurn } from './turns.ts';

export function chatRoutes(edge: EdgeContext): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/api/v1/chat',
      handle: welcome(edge, async (exchange) => whole(edge, exchange, await message(exchange))),
    },
    {
      method: 'POST',
      path: '/api/v1/chat/stream',
      handle: welcome(edge, async (exchange) => streamed(edge, exchange, await message(exchange))),
    },
    {
      method: 'POST',
      path: '/api/v1/sessions/:id/messages',
      handle: welcome(edge, async (exchange) => {
        const body = await message(exchange, idFrom(param(exchange, 'id'), 'session'));
        const wantsEvents = exchange.request.headers.accept?.includes('text/event-stream') === true;
        return wantsEvents ? streamed(edge, exchange, body) : whole(edge, exchange, body);
      }),
    },
  ];
}

/** Before a body is read: a refusal is to cost as little as it can, since there may be many for each message let in. */
function welcome(edge: EdgeContext, handle: (exchange: Exchange) => Promise<Answer>): Handler {
  const { admission } = edge.ports;
  return (exchange) => {
    const refused = admission?.refusal(edge.shareOf(exchange), edge.lanes);
    if (refused) return { refused };
    edge.enterChat(exchange);
    return handle(exchange);
  };
}

/** The message as its sender wrote it; a session in the path is the one meant. */
async function message(exchange: Exchange, sessionId?: string): Promise<ChatBody> {
  const body = await readBody(exchange, ChatRequest);
  if (sessionId === undefined) return body;
  if (body.session_id !== undefined && body.session_id !== sessionId) {
    throw invalid([{ path: 'session_id', message: 'is not the session in the path' }]);
  }
  return { ...body, session_id: sessionId };
}

/** Makes the message durable. Whoever sent no id learns from a refusal the one to repeat it under. */
async function accept(edge: EdgeContext, exchange: Exchange, body: ChatBody): Promise<Delivered> {
  const { caller } = exchange;
  const message_id = body.message_id ?? edge.ports.world.uuid();
  count(edge, caller.user_id, body);
  const inbound = {
    sender: { user_id: caller.user_id, permissions: caller.permissions },
    message_id,
    content: body.content,
    workspace_id: body.workspace_id ?? '',
    session_id: body.session_id ?? '',
    model: body.model ?? '',
    share: edge.shareOf(exchange),
  };
  let discard = (): Promise<void> => Promise.resolve();
  try {
    const channel = channelOf(exchange.request.headers[CHANNEL_HEADER]);
    const files = await attached(edge, exchange, body, message_id);
    discard = files?.discard ?? discard;
    const whole = files === undefined ? inbound : { ...inbound, attachments: files.attachments };
    const delivered = await deliver(edge.ports, channel, whole, exchange.requestId);
    edge.ports.point?.('edge.acknowledged');
    return delivered;
  } catch (thrown) {
    // What may have been taken all the same keeps its files, and so does another message under this id.
    if (thrown instanceof SigilError && NOT_TAKEN.has(thrown.failure.code)) await discard();
    throw thrown instanceof SigilError ? about(thrown, { message_id }) : thrown;
  }
}

/** Refusals of a message that nobody has. */
const NOT_TAKEN: ReadonlySet<string> = new Set(['input_blocked', 'forbidden', 'not_a_member', 'not_found']);

/** The files of a message, put where it will be. */
async function attached(
  { ports }: EdgeContext,
  { caller, response }: Exchange,
  { attachments: ids = [], session_id = '', workspace_id }: ChatBody,
  message_id: string,
): Promise<Awaited<ReturnType<AttachmentUploads['attach']>> | undefined> {
  if (ids.length === 0) return undefined;
  if (ports.uploads === undefined) throw invalid([{ path: 'attachments', message: 'cannot be sent here' }]);
  const { user_id } = caller;
  const of = session_id === '' ? undefined : await ownSession(ports, caller, session_id);
  const place = of?.workspace_id ?? workspace_id ?? `personal:${user_id}`;
  if (of === undefined) checkWorkspace(caller, place, ports.places);
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const owner = { user_id, workspace_id: place, session_id: session_id.toLowerCase(), message_id };
  return await ports.uploads.attach(owner, ids, gone.signal);
}

/** Counts a message against its sender's rate; a repetition of one that was counted is free. */
function count({ chatRate, repetitions }: EdgeContext, user_id: string, body: ChatBody): void {
  if (chatRate === undefined) return;
  const { message_id, session_id = '', workspace_id = '' } = body;
  const message = message_id === undefined ? undefined : [user_id, workspace_id, session_id, message_id].join('\n');
  if (message !== undefined && repetitions.take(message)) return;
  const wait = chatRate.take(user_id);
  if (wait > 0) throw tooMany('messages from this user', wait / 1000);
  if (message !== undefined) repetitions.note(message);
}

async function whole(edge: EdgeContext, exchange: Exchange, body: ChatBody): Promise<Answer> {
  const { ports } = edge;
  const delivered = await accept(edge, exchange, body);
  const { session_id, turn_id, message_id } = delivered;
  const waiting = turnEnd(ports, delivered);
  // Whoever goes away is waited for no longer; the turn goes on.
  const release = edge.closing(() => waiting.giveUp());
  exchange.response.once('close', waiting.giveUp);
  try {
    const seq = await waiting.seq;
    if (seq === undefined) throw new Refusal('draining', 'The gateway stopped before the turn was over.');
    return json(answer(await record(edge, exchange, turn_id, seq), message_id));
  } catch (thrown) {
    throw thrown instanceof SigilError ? about(thrown, { session_id, turn_id, message_id }) : thrown;
  } finally {
    exchange.response.off('close', waiting.giveUp);
    release();
  }
}

/** The record of a turn that is over. */
async function record(edge: EdgeContext, exchange: Exchange, turn_id: string, seq: number): Promise<TurnRow> {
  const patience = new Patience(edge.ports.world);
  const leave = edge.ports.admission?.reading(edge.shareOf(exchange));
  try {
    for (;;) {
      try {
        return await edge.ports.store.read('turn.get', { turn_id }, { after: seq });
      } catch (thrown) {
        await patience.after(thrown, passing);
      }
    }
  } finally {
    leave?.();
  }
}

/** The record as the answer to one of its messages: equal for every repetition of the message. */
function answer(row: TurnRow, message_id: string): ChatAnswer {
  const { id: turn_id, session_id, reply_id, finish_reason } = row;
  if (row.error !== null) throw turnProblem(row.error);
  if (reply_id === null || finish_reason === null)
    throw new Error(`turn ${turn_id} is ${row.status} in its record although it ended`);
  return {
    session_id,
    turn_id,
    message_id,
    message_ids: row.message_ids,
    reply_id,
    content: row.content,
    model: row.model,
    usage: row.usage,
    tool_calls: row.tool_calls,
    finish_reason,
  };
}

async function streamed(edge: EdgeContext, exchange: Exchange, body: ChatBody): Promise<Answer> {
  const release = edge.enterStream(exchange.caller);
  try {
    const delivered = await accept(edge, exchange, body);
    const stream = edge.openStream(exchange);
    stream.onClose(release);
    // Its turn has said nothing, so this is no event of it: it has no id to come back after.
    if (delivered.status === 'queued' && edge.ports.agent.paused !== null)
      stream.write(frame('warning', PAUSED_WARNING));
    followTurn(edge, stream, delivered, 0);
    return STREAMED;
  } catch (thrown) {
    release();
    throw thrown;
  }
}
