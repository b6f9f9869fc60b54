// SPDX-License-Identifier: Apache-2.0
// `POST /v1/chat/completions`: whole, or in chunks as they come.

import type { PassEnd } from '../../actors/thread/protocol.ts';
import { failure, SigilError } from '../../errors.ts';
import { mayEnter, WORKSPACE_ID } from '../access.ts';
import { readBody } from '../body.ts';
import type { EdgeContext } from '../context.ts';
import { type EventStream, WAITING_LIMIT } from '../event-stream.ts';
import { type Answer, type Exchange, json, STREAMED } from '../exchange.ts';
import { problemOf, Refusal, tooMany } from '../problem.ts';
import { type AnswerHead, Chunks, completion, data, Gathered } from './answers.ts';
import { openAiError } from './error-shape.ts';
import { ChatCompletionRequest } from './requests.ts';
import { askAgent, type Listener, passThrough, type Talk } from './talk.ts';
import { agentRequest, chatRequest } from './translate.ts';

/** What a model begins with that is the agent of a workspace. */
export const WORKSPACE_MODEL = 'workspace:';
/** A stream is opened after this time though nothing was said, so that whoever is in between sees it live, in milliseconds. */
const OPEN_AFTER = 5_000;

export async function chatCompletion(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const body = await readBody(exchange, ChatCompletionRequest);
  const begin = beginning(edge, exchange, body);
  const { world } = edge.ports;
  if (edge.ports.state() !== 'running') throw new Refusal('draining', 'The gateway takes nothing new now.');
  const wait = edge.chatRate?.take(exchange.caller.user_id) ?? 0;
  if (wait > 0) throw tooMany('messages from this user', wait / 1_000);
  const id = `chatcmpl-${world.uuid().replaceAll('-', '')}`;
  const head: AnswerHead = { id, created: Math.floor(world.now() / 1_000) };
  return body.stream === true
    ? streamed(edge, exchange, head, body, begin)
    : whole(edge, exchange, head, body.model, begin);
}

type Begin = (listen: Listener) => Talk;

/** Checks all that can be without asking anybody. @throws Refusal */
function beginning(edge: EdgeContext, exchange: Exchange, body: ChatCompletionRequest): Begin {
  const shown = body.stream === true;
  if (!body.model.startsWith(WORKSPACE_MODEL)) {
    const request = chatRequest(body);
    return (listen) => passThrough(edge, exchange, { model: body.model, request, shown }, listen);
  }
  const workspace_id = body.model.slice(WORKSPACE_MODEL.length);
  const { places, workspaces } = edge.ports;
  const { caller } = exchange;
  const known =
    workspaces.includes(workspace_id) ||
    places.membersOf(workspace_id) !== undefined ||
    workspace_id === `personal:${caller.user_id}` ||
    (workspace_id.startsWith('personal:') && WORKSPACE_ID.test(workspace_id));
  if (!known) throw new Refusal('not_found', `There is no workspace ${workspace_id.slice(0, 100)}.`);
  if (!mayEnter(caller, workspace_id, places))
    throw new Refusal('not_a_member', `${caller.user_id} may not enter the workspace ${workspace_id}.`);
  const request = agentRequest(body);
  return (listen) => askAgent(edge, exchange, { workspace_id, request, shown }, listen);
}

/** The model as an answer names it: of a workspace it is the workspace, whichever model its agent had. */
const nameOf = (asked: string, answered: string): string =>
  asked.startsWith(WORKSPACE_MODEL) || answered === '' ? asked : answered;

async function whole(
  edge: EdgeContext,
  exchange: Exchange,
  head: AnswerHead,
  model: string,
  begin: Begin,
): Promise<Answer> {
  const gathered = new Gathered();
  const talk = begin((events) => {
    for (const event of events) gathered.take(event);
  });
  let closed = false;
  const release = edge.closing(() => {
    closed = true;
    talk.stop();
  });
  exchange.response.once('close', talk.stop);
  try {
    const end = await talk.end;
    return json(completion(head, nameOf(model, end.model), gathered, end));
  } catch (thrown) {
    throw closed ? new Refusal('draining', 'The gateway stopped before the answer was whole.') : thrown;
  } finally {
    exchange.response.off('close', talk.stop);
    release();
  }
}

async function streamed(
  edge: EdgeContext,
  exchange: Exchange,
  head: AnswerHead,
  body: ChatCompletionRequest,
  begin: Begin,
): Promise<Answer> {
  const { world } = edge.ports;
  const leave = edge.enterStream(exchange.caller);
  const chunks = new Chunks(head, body.model, body.stream_options?.include_usage === true);
  const asAgent = body.model.startsWith(WORKSPACE_MODEL);
  let stream: EventStream | undefined;
  let closed = false;
  const open = (): EventStream => {
    stream ??= opened();
    return stream;
  };
  const opened = (): EventStream => {
    const made = edge.openStream(exchange, (why) => lastWords('unauthenticated', why));
    made.onClose(talk.stop);
    return made;
  };
  const talk = begin((events) => {
    const to = open();
    if (!to.open) return;
    if (to.waiting > WAITING_LIMIT) return to.end(lastWords('slow_consumer', 'Too much waited for this reader.'));
    let frames = '';
    for (const event of events) {
      if (asAgent && typeof event !== 'string' && event.type === 'model') continue;
      frames += chunks.take(event);
    }
    to.write(frames);
  });
  const stopTimer = world.after(OPEN_AFTER, open);
  const release = edge.closing(() => {
    closed = true;
    talk.stop();
  });
  exchange.response.once('close', talk.stop);
  try {
    const end: PassEnd = await talk.end;
    open().end(chunks.end(end));
    return STREAMED;
  } catch (thrown) {
    const told = closed ? new Refusal('draining', 'The gateway stopped before the answer was whole.') : thrown;
    // Before anything of it went out it can still be refused as such.
    if (stream === undefined) throw told;
    const { redactor } = edge.ports;
    const problem = problemOf(told, exchange.requestId);
    stream.end(data({ error: openAiError(redactor === undefined ? problem : redactor.data(problem)) }));
    return STREAMED;
  } finally {
    leave();
    stopTimer();
    exchange.response.off('close', talk.stop);
    release();
  }
}

/** An error that the client raises in the middle of a stream. */
function lastWords(code: 'unauthenticated' | 'slow_consumer', message: string): string {
  return data({ error: openAiError(problemOf(new SigilError(failure(code, message)), '')) });
}
