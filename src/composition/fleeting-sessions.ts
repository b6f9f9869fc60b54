// SPDX-License-Identifier: Apache-2.0
// Sessions that are not kept: lanes like all others, whose journal is memory, but for what they use, which is recorded as it is of calls.

import type { Residents } from '../actors/residents.ts';
import type { LaneEffects } from '../actors/session/effects.ts';
import { Lanes } from '../actors/session/lanes.ts';
import { namesOf } from '../actors/session/names.ts';
import type { LanePolicy } from '../actors/session/policy.ts';
import type { Deliver, FleetingSession } from '../actors/session/protocol.ts';
import { scanRequest } from '../actors/session/request-scan.ts';
import { IMAGE_SIZE, tokensOf } from '../agent/estimate.ts';
import { type Address, address, idOf } from '../bus/address.ts';
import type { Envelope } from '../bus/envelope.ts';
import { type Failure, failure } from '../errors.ts';
import type { ChatAttachment, ChatMessage, ChatRequest } from '../providers/provider.ts';
import type { AuditNote } from '../stores/audit.ts';
import { type SessionRecord, store, type TailRow } from '../stores/records.ts';
import type { SessionState } from '../stores/session-state.ts';
import type { Outcome } from '../stores/stream-owner.ts';
import type { WorkspaceRecord } from '../stores/workspace-records.ts';
import type { World } from '../world.ts';
import type { Scanner } from './scanner.ts';

/** Appends of a session that is not kept: what of it is written after all. */
export type WriteUse = (
  workspace_id: string,
  records: readonly WorkspaceRecord[],
  audit: readonly AuditNote[],
  done: (outcome: Outcome<{ readonly seq: number }>) => void,
) => void;

export interface FleetingOptions {
  readonly world: World;
  readonly policy: () => LanePolicy;
  readonly residents: Residents;
  readonly scanner: () => Pick<Scanner, 'input' | 'result'>;
  /** Those of kept sessions, with requests shaped by `shape`. */
  readonly effects: (policy: () => LanePolicy, shape: ShapeRequest) => LaneEffects;
  readonly write: WriteUse;
  /** The life of the thread, see `CallOpened`. */
  readonly holder: string;
  readonly fail: (to: Envelope, error: Failure) => void;
  readonly ended: (session_id: string) => void;
  readonly fault: (of: Address, error: Failure) => void;
}

/** What is made of a request for a model before it is sent. */
export type ShapeRequest = (state: SessionState, request: ChatRequest) => ChatRequest;

export interface FleetingSessions {
  /** Whether a message is for one of them. */
  takes(envelope: Envelope): boolean;
  receive(envelope: Envelope): void;
  drain(done: (turns_left: number) => void): void;
  stop(): void;
}

/** Messages of one that are shown to its models: all that its sender gave, as many as one may give. */
const WINDOW = 4_096;
/** One that nobody ended is forgotten after this time at rest, in milliseconds. */
const IDLE = 5_000;
/** Those of one thread at once: each holds what its sender said before. */
const MOST = 512;

interface Fleeting extends FleetingSession {
  user_id: string;
  /** What it has written of its use, as far as the workspace's stream has it. */
  seq: number;
  /** Its model call that is open. */
  model: string;
}

export function createFleetingSessions(options: FleetingOptions): FleetingSessions {
  const { world } = options;
  const held = new Map<string, Fleeting>();
  /** Text that must fit beside what the lane knows of. */
  const beside = (session_id: string): number => {
    const { instructions = '', images = [], history = [] } = held.get(session_id) ?? {};
    const shown = history.reduce((sum, { attachments = [] }) => sum + attachments.length, images.length);
    return tokensOf(instructions.length + shown * IMAGE_SIZE);
  };

  let of: LanePolicy | undefined;
  let mine: LanePolicy | undefined;
  const policy = (): LanePolicy => {
    const now = options.policy();
    if (of === now && mine !== undefined) return mine;
    of = now;
    mine = Object.freeze({
      ...now,
      window: WINDOW,
      idle_timeout: IDLE,
      checkpoint_every: Number.POSITIVE_INFINITY,
      // Nobody is there to be asked: whatever needs a person's word is refused at once.
      approval_timeout: 0,
      estimate: (state: SessionState) => {
        const { tokens, cost_usd } = now.estimate(state);
        const more = beside(state.facts?.session_id ?? '');
        // In proportion: what is beside costs no more than what it stands with.
        return { tokens: tokens + more, cost_usd: tokens === 0 ? cost_usd : cost_usd * ((tokens + more) / tokens) };
      },
    });
    return mine;
  };

  const shape: ShapeRequest = (state, request) => {
    const session = held.get(state.facts?.session_id ?? '');
    if (session === undefined) return request;
    const { instructions, history, images, options: asked } = session;
    const { maxTokens = Number.POSITIVE_INFINITY } = asked;
    const longest = Math.min(maxTokens, request.options.maxTokens ?? Number.POSITIVE_INFINITY);
    return {
      ...request,
      systemPrompt: instructions === '' ? request.systemPrompt : `${request.systemPrompt}\n\n${instructions}`,
      messages: withAttached(request.messages, [...history, { role: 'user', attachments: images }]),
      options: { ...request.options, ...asked, ...(Number.isFinite(longest) && { maxTokens: longest }) },
    };
  };

  /** The log it begins with: that it is there, and what was said before. */
  const logOf = (session_id: string, workspace_id: string, { user_id, history }: Fleeting): readonly TailRow[] => {
    const at = world.now();
    const created = { session_id, workspace_id, user_id, channel: 'channel/http' };
    const records: SessionRecord[] = [
      { type: 'session_created', ...created },
      ...history.map(
        ({ role, content, toolCalls = [], toolCallId, toolName, origin }): SessionRecord => ({
          ...({ type: 'message_added', message_id: world.uuid(), turn_id: session_id, user_id, role, origin } as const),
          ...{ content, tool_calls: toolCalls, tool_call_id: toolCallId ?? null, tool_name: toolName ?? null },
          ...{ attachments: [], metadata: {}, at },
        }),
      ),
    ];
    return records.map((record) => {
      const { type, version, payload } = store(record);
      return { seq: 0, at, type, version, payload };
    });
  };
  const places = new Map<string, string>();

  const release = (session_id: string): void => {
    held.delete(session_id);
    places.delete(session_id);
  };

  let made: Lanes | undefined;
  /** A thread that has none of them looks after none: most never do. */
  const lanes = (): Lanes => {
    made ??= makeLanes(options.effects(policy, shape));
    return made;
  };
  const makeLanes = (base: LaneEffects): Lanes =>
    new Lanes({
      world,
      policy,
      residents: options.residents,
      effects: {
        ...base,
        tail: (session_id, answered) => {
          const session = held.get(session_id);
          const rows = session === undefined ? [] : logOf(session_id, places.get(session_id) ?? '', session);
          world.soon(() => answered({ ok: true, body: { n: rows.length, rows } }));
        },
        append: ({ stream, workspace_id, items }, answered) => {
          const session = held.get(idOf(stream as Address));
          const records = items.flatMap((item) => item.records);
          const use = records.map((record) => (session === undefined ? null : useOf(session, record, options.holder)));
          const audit = items.flatMap((item) => item.audit ?? []).filter(({ action }) => action !== 'session.deleted');
          const written = use.filter((one) => one !== null);
          if (session === undefined || (written.length === 0 && audit.length === 0)) {
            const { seq = 0 } = session ?? {};
            return void world.soon(() => answered({ ok: true, body: { seq } }));
          }
          const last = use.findLastIndex((one) => one !== null);
          const rows = written.length > 0 ? written : [{ type: 'call_noted', id: idOf(stream as Address) } as const];
          options.write(workspace_id, rows, audit, (outcome) => {
            if (!outcome.ok) return answered(outcome);
            session.seq = outcome.body.seq;
            // The row that says what a call has used is the one its budgets are told of.
            answered({ ok: true, body: { seq: outcome.body.seq - Math.max(0, last) } });
          });
        },
        fail: (to, error) => {
          base.fail(to, error);
          // It has no lane and gets none, so nobody else would let go of it.
          if (to.type === 'session.delete') release(idOf(to.to));
        },
        unsay: (_session_id, _channel, answered) => world.soon(() => answered(null)),
      },
      moved: () => undefined,
      ended: (session_id) => {
        release(session_id);
        options.ended(session_id);
      },
      fault: (session_id, error) => {
        // There is no log to begin again from: whoever waits for the answer is told that there will be none.
        const { code, message } = error;
        base.publish(namesOf(session_id), session_id, 1, { event: 'error', data: { code, message } });
        options.fault(address('session', session_id), error);
      },
    });

  const begin = (envelope: Envelope, { fleeting, user_id, workspace_id }: Deliver): void => {
    const session_id = idOf(envelope.to);
    if (fleeting === undefined) return;
    if (held.size >= MOST) {
      const says = `${MOST} sessions that are not kept run on this thread already.`;
      return options.fail(envelope, failure('overloaded', says));
    }
    const session: Fleeting = { ...fleeting, user_id, seq: 0, model: '' };
    held.set(session_id, session);
    places.set(session_id, workspace_id);
    const given = { systemPrompt: fleeting.instructions, messages: fleeting.history };
    scanRequest(given, { ...options.scanner(), soon: (run) => world.soon(run) }, (scanned) => {
      // It was ended while it was gone through.
      if (held.get(session_id) !== session)
        return options.fail(envelope, failure('conflict', 'Nobody waits for this answer any more.'));
      if (!scanned.ok) {
        release(session_id);
        return options.fail(envelope, scanned.error);
      }
      const { systemPrompt: instructions, messages: history } = scanned.body;
      held.set(session_id, { ...session, instructions, history });
      lanes().receive(envelope, session_id);
    });
  };

  return {
    takes: ({ type, to, body }) =>
      (held.size > 0 && held.has(idOf(to))) || (type === 'session.deliver' && (body as Deliver).fleeting !== undefined),
    receive: (envelope) => {
      const id = idOf(envelope.to);
      if (envelope.type === 'session.deliver' && !held.has(id)) begin(envelope, envelope.body as Deliver);
      else lanes().receive(envelope, id);
    },
    drain: (done) => (made === undefined ? done(0) : made.drain(done)),
    stop: () => {
      made?.stop();
      held.clear();
    },
  };
}

/** What a record says of a model call, as it is written of one that belongs to no session; null for all else. */
function useOf(session: Fleeting, record: SessionRecord, holder: string): WorkspaceRecord | null {
  const { user_id } = session;
  if (record.type === 'model_called') {
    const { turn_id: id, call, model, reserved_tokens, reserved_usd } = record;
    session.model = model;
    return { type: 'call_opened', id, call, user_id, model, reserved_tokens, reserved_usd, holder };
  }
  if (record.type !== 'model_replied') return null;
  const { turn_id: id, call, usage } = record;
  const { model } = session;
  return { type: 'call_closed', id, call, user_id, model, usage, settled_tokens: 0, settled_usd: 0 };
}

/** Messages of people with the images they were given with: the last of them are the last that were given. */
function withAttached(
  messages: readonly ChatMessage[],
  given: readonly { readonly role: ChatMessage['role']; readonly attachments?: readonly ChatAttachment[] }[],
): readonly ChatMessage[] {
  const left = given.filter(({ role }) => role === 'user').map(({ attachments = [] }) => attachments);
  if (left.every(({ length }) => length === 0)) return messages;
  return messages
    .toReversed()
    .map((message) => {
      if (message.role !== 'user') return message;
      const attachments = left.pop() ?? [];
      return attachments.length === 0 ? message : { ...message, attachments };
    })
    .toReversed();
}
