// SPDX-License-Identifier: Apache-2.0
// What a lane's turns do in the world: records to the journal, calls of models, tools, answers to channels, each by whoever does it.

import { hash } from 'node:crypto';
import { refusedSender } from '../actors/refused-sender.ts';
import { createCallModel } from '../actors/session/call-model.ts';
import type { LaneEffects } from '../actors/session/effects.ts';
import { scanReplies } from '../actors/session/reply-scan.ts';
import type { Reservations } from '../actors/session/reservations.ts';
import { createTurnPublisher } from '../actors/session/turn-publisher.ts';
import { prepare } from '../agent/prepare.ts';
import { type Address, address } from '../bus/address.ts';
import type { Answer } from '../bus/envelope.ts';
import type { Failure } from '../errors.ts';
import type { ChatRequest } from '../providers/provider.ts';
import { packAppend } from '../stores/remote/append-wire.ts';
import { unpackTail } from '../stores/remote/tail-wire.ts';
import { type SessionState, textsOf, turnImages } from '../stores/session-state.ts';
import { withFaults } from './fault-points.ts';
import type { ShapeRequest } from './fleeting-sessions.ts';
import type { LaneAdapters } from './lane-adapters.ts';
import { callParts, usageCost } from './lane-calls.ts';
import { CHANNEL_HINTS, type ModelSize } from './lane-policy.ts';
import { type ToolParts, toolRuns } from './lane-tools.ts';
import type { ModelPrices } from './model-prices.ts';
import { sessionNotes } from './session-notes.ts';
import { hasImages } from './stored-images.ts';
import type { TurnTerms } from './turn-terms.ts';
import { unsaying } from './unsaying.ts';

/** How long the journal may take, in milliseconds. A slow disk is waited for; a lost thread is told at once. */
const JOURNAL_WITHIN = 60_000;
/** How long a question to the read thread may take. */
const READ_WITHIN = 10_000;
/** How long a channel may take to make what it is told durable. */
const SAY_WITHIN = 15_000;
/** How long the session that stands for another one's conversation may take to answer. */
const FORWARD_WITHIN = 60_000;

/** What effects are made of. */
export interface LaneParts extends ToolParts {
  readonly adapters: LaneAdapters;
  readonly reservations: Reservations;
  readonly prices: ModelPrices;
  readonly terms: Pick<TurnTerms, 'now' | 'of' | 'over'>;
  readonly sizeOf: (model: string) => ModelSize;
  /** What is made of a request before it is sent; nothing when not given. */
  readonly shape?: ShapeRequest;
}

/** The effects of all lanes of a thread; each by whoever does it. */
export function laneEffects(parts: LaneParts): LaneEffects {
  const { context, adapters, reservations, prices, terms } = parts;
  const { reserve, settle, settleInterrupted } = reservations;
  const { bus, world } = context;
  const journal = address('store', 'journal');
  const read = address('store', 'read');
  const publisher = createTurnPublisher(bus, world);
  const models = createCallModel({
    ...callParts(context, adapters),
    prepare: turnRequests(parts),
    turn_timeout: (state) => terms.of(state.turn?.turn_id).policy.turn_timeout,
  });
  const callModel = withFaults(process.env['SIGIL_FAULTS'], models.callModel);

  return {
    // Only where a budget could be reached anything is reserved, and only there a price that nobody knows matters.
    reserve: (state, most, done) => {
      const workspace_id = state.facts?.workspace_id ?? '';
      const refused = prices.refusal(state.turn?.model ?? '', workspace_id);
      if (refused === undefined) return reserve(state, most, done);
      // Another model may well be paid for, where one is named.
      const about = terms.of(state.turn?.turn_id).policy.failover(workspace_id).length > 0 ? { about: 'model' } : {};
      let aborted = false;
      world.soon(() => aborted || done({ ...refused, details: { ...refused.details, ...about } }));
      return () => {
        aborted = true;
      };
    },
    settle,
    settleInterrupted,
    recorded: sessionNotes(context),
    ...publisher,
    published: (names, turn_id, seq) => {
      publisher.published(names, turn_id, seq);
      terms.over(turn_id);
    },
    append: (append, answered) => {
      bus.ask(
        journal,
        'journal.append',
        packAppend(append),
        { from: append.stream as Address, within: JOURNAL_WITHIN },
        answered,
      );
    },
    tail: (session_id, answered) => {
      const from = address('session', session_id);
      bus.ask(journal, 'journal.tail', { stream: from }, { from, within: JOURNAL_WITHIN }, (answer) =>
        answered(answer.ok ? { ok: true, body: unpackTail(answer.body) } : answer),
      );
    },
    // What the newest rows of others say is of no matter: with 'latest' every message would hurry the views along.
    oldKey: (session_id, message_id, after, answered) => {
      const from = address('session', session_id);
      bus.ask(read, 'message.turn', { session_id, message_id, after }, { from, within: READ_WITHIN }, answered);
    },
    refused: (user_id, workspace_id, anywhere) =>
      refusedSender(context.directory.table, user_id, workspace_id, anywhere),
    say: (session_id, { channel, to, ...part }, answered) => {
      const { key, kind, user_id, content } = part;
      const say = { key, kind, session_id, user_id, to, content };
      const options = { from: address('session', session_id), within: SAY_WITHIN };
      bus.ask(channel as Address<'channel'>, 'channel.deliver', say, options, answered);
    },
    gaveUp: (session_id, { turn_id, channel, code, message }) =>
      context.log(
        'error',
        { turn_id, session_id, channel, error: { code, message } },
        'an answer is given up: its channel did not take it',
      ),
    unsay: unsaying(context),
    forward: (envelope, session_id) => {
      const options = { from: envelope.to, within: FORWARD_WITHIN };
      const type = envelope.type as 'session.deliver' | 'session.command';
      const answered = (answer: Answer<unknown>): void =>
        answer.ok ? bus.reply(envelope, answer.body) : bus.fail(envelope, answer.error);
      bus.ask(address('session', session_id), type, envelope.body as never, options, answered);
    },
    reply: (to, body) => bus.reply(to, body),
    fail: (to, error) => bus.fail(to, error),
    scan: (content, done) => terms.now.scanner.input(content, done),
    seekPermit: models.seekPermit,
    callModel: (names, state, permit, sink) =>
      scanReplies(callModel, terms.of(state.turn?.turn_id).scanner.replies)(names, state, permit, sink),
    runTool: toolRuns(parts),
    cost: (model, usage) => usageCost(model, usage, prices),
    // 72 bits tell a repetition from another message. A longer slice would hold on to the whole digest it is cut from.
    digest: (text) => hash('sha256', text, 'base64url').slice(0, 12),
    point: context.point,
  };
}

/** The request for the next call of a state's turn, or why there can be none. */
function turnRequests({
  context,
  terms,
  sizeOf,
  shape = (_, request) => request,
}: LaneParts): (state: SessionState) => ChatRequest | Failure {
  return (state) => {
    const { turn } = state;
    const model = turn?.model ?? '';
    const size = sizeOf(model);
    const { config, equip, policy } = terms.of(turn?.turn_id);
    const prepared = prepare({
      persona: config.agent.persona,
      channel: CHANNEL_HINTS,
      ...equip(state),
      window: state.window,
      active_window: policy.window,
      summary: state.summary?.summary ?? null,
      messages: turn === null ? [''] : textsOf(turn),
      images: turn === null ? [] : turnImages(turn),
      turn: turn?.said ?? [],
      model: { id: model.slice(model.indexOf('/') + 1), ...size },
      options: { maxTokens: size.maxOutputTokens },
    });
    context.point('model.prepared');
    if (!prepared.ok) return prepared.failure;
    if (!hasImages(prepared.request) || state.facts === null) return shape(state, prepared.request);
    const { workspace_id, session_id } = state.facts;
    return { ...prepared.request, images_in: { workspace_id, session_id } };
  };
}
