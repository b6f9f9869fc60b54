// SPDX-License-Identifier: Apache-2.0
// What people ask of a conversation on its channel with a command: another session, a stop, a model, an answer, how it is.

import type { Envelope } from '../../bus/envelope.ts';
import type { Failure } from '../../errors.ts';
import type { SessionRecord } from '../../stores/records.ts';
import { isAsked, type RunningTool } from '../../stores/session-state.ts';
import type { ChangedSession } from './changes.ts';
import type { LanePolicy } from './policy.ts';
import type { Answered, GivenAnswer, SessionCommand, SessionCommanded } from './protocol.ts';
import { goingSession } from './refused.ts';

/** Whose conversation it is. */
export interface CommandedSession extends ChangedSession {
  readonly policy: LanePolicy;
  /** The session is about to go. */
  readonly going: boolean;
  /** The same as `answer`, with why not. */
  refuse(envelope: Envelope, error: Failure): void;
  /** Gives a person's answer to a request; told once that is durable. */
  giveAnswer(answer: GivenAnswer, told: (answered: Answered) => void): void;
}

/**
 * The session that stands for this one's conversation since somebody began anew; undefined: it is this one. Only what is for
 * the conversation goes on to it: who names a session by its id means that one.
 */
export function standsFor(session: Pick<ChangedSession, 'state'>, envelope: Envelope): string | undefined {
  const { superseded } = session.state;
  if (superseded === undefined) return undefined;
  if (envelope.type === 'session.deliver')
    return (envelope.body as { conversation?: boolean }).conversation === true ? superseded.next : undefined;
  // Beginning anew is decided by the first of them, so that each is one step away from it.
  if (envelope.type === 'session.command')
    return (envelope.body as SessionCommand).what.do === 'new' ? undefined : superseded.next;
  return undefined;
}

/** Carries out a command; answered when what it changed is durable. */
export function command(session: CommandedSession, envelope: Envelope): void {
  const { effects, state } = session;
  const asked = envelope.body as SessionCommand;
  if (session.going) return effects.fail(envelope, goingSession());
  session.wait(envelope);
  const tell = (what: SessionCommanded['what']): void => {
    session.answer(envelope, { session_id: session.session_id, what, seq: session.seq } satisfies SessionCommanded);
  };
  const later = (what: SessionCommanded['what']): void => session.whenDurable(() => tell(what));
  switch (asked.what.do) {
    case 'new':
      return beginAnew(session, asked, asked.what.next, tell);
    case 'stop':
      return stop(session, asked, later);
    case 'status': {
      const { turn, waiting } = state;
      const model = routed(session, asked);
      return later({
        did: 'status',
        ...{ model: typeof model === 'string' ? model : '', running: turn !== null, waiting: waiting.length },
        asked: (turn?.tools ?? []).filter(isAsked).length,
      });
    }
    case 'model':
      return chooseModel(session, asked, asked.what.model, envelope, tell);
    case 'answer':
      return answerAsked(session, asked, asked.what, tell, later);
    default:
      return asked.what satisfies never;
  }
}

type Tell = (what: SessionCommanded['what']) => void;

/** The conversation goes on in another session, which is made by its first message. */
function beginAnew(session: CommandedSession, asked: SessionCommand, next: string, tell: Tell): void {
  const { facts, superseded, turn } = session.state;
  // Nothing was said: it is new. Or it is the same command once more.
  if (facts === null || superseded?.next === next)
    return session.whenDurable(() => tell({ did: 'new', next: superseded?.next ?? session.session_id }));
  const generation = (superseded?.generation ?? 0) + 1;
  const record: SessionRecord = { type: 'session_superseded', next, generation };
  session.record([record], () => tell({ did: 'new', next }), asked.by);
  // What runs in it is not waited for any more.
  if (turn !== null && (asked.all || turn.message.user_id === asked.by)) session.stopTurn(turn.turn_id, asked.by);
}

function stop(session: CommandedSession, { by, all }: SessionCommand, tell: Tell): void {
  const { turn } = session.state;
  if (turn === null || turn.cancelled) return tell({ did: 'stop', status: turn === null ? 'idle' : 'stopping' });
  if (!all && turn.message.user_id !== by) return tell({ did: 'stop', status: 'not_yours' });
  session.stopTurn(turn.turn_id, by);
  tell({ did: 'stop', status: 'stopping' });
}

function routed(session: CommandedSession, asked: SessionCommand, requested = ''): string | Failure {
  const { facts } = session.state;
  const workspace_id = facts?.workspace_id ?? asked.place.workspace_id;
  return session.policy.route({ requested, session: facts?.model ?? '', workspace_id });
}

function chooseModel(
  session: CommandedSession,
  asked: SessionCommand,
  wanted: string,
  envelope: Envelope,
  tell: Tell,
): void {
  const { effects, state } = session;
  if (wanted === '') {
    const model = routed(session, asked);
    const chosen = (state.facts?.model ?? '') !== '';
    return session.whenDurable(() => tell({ did: 'model', model: typeof model === 'string' ? model : '', chosen }));
  }
  const model = wanted === 'default' ? '' : wanted;
  const route = model === '' ? '' : routed(session, asked, model);
  const { workspace_id, user_id, channel } = asked.place;
  const refused = state.facts === null ? effects.refused(user_id, workspace_id, false) : null;
  if (typeof route !== 'string') return session.refuse(envelope, route);
  if (refused !== null) return session.refuse(envelope, refused);
  const { session_id } = session;
  const opens = state.facts === null;
  const records: SessionRecord[] = [{ type: 'session_changed', model }];
  if (opens) records.unshift({ type: 'session_created', session_id, workspace_id, user_id, channel });
  session.record(
    records,
    () => {
      if (opens) session.opened(workspace_id);
      tell({ did: 'model', model: route, chosen: model !== '' });
    },
    asked.by,
  );
}

/** The shortest part of an id that names a request. */
const PART_LEAST = 4;

function answerAsked(
  session: CommandedSession,
  { by, all }: SessionCommand,
  { part, decision }: { readonly part: string; readonly decision: 'approve' | 'deny' },
  tell: Tell,
  later: Tell,
): void {
  const { turn } = session.state;
  const waiting = (turn?.tools ?? []).filter(isAsked);
  const idOf = ({ approval }: RunningTool): string => approval?.id ?? '';
  const named =
    part === ''
      ? waiting
      : waiting.filter(
          (tool) => part.length >= PART_LEAST && (idOf(tool).startsWith(part) || idOf(tool).endsWith(part)),
        );
  const [first, ...others] = named;
  if (first === undefined) return later({ did: 'answer', status: 'none', tool: '', ids: waiting.map(idOf) });
  if (!all && turn?.message.user_id !== by)
    return later({ did: 'answer', status: 'not_yours', tool: first.call.name, ids: [] });
  if (others.length > 0) return later({ did: 'answer', status: 'which', tool: '', ids: named.map(idOf) });
  session.giveAnswer({ id: idOf(first), decision, by }, ({ status }) => {
    tell({ did: 'answer', status: status === 'taken' ? 'taken' : 'none', tool: first.call.name, ids: [] });
  });
}
