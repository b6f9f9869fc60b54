// SPDX-License-Identifier: Apache-2.0
// What a lane can have done for it: given by the composition root. Each is a message or an adapter; none is awaited.

import type { Answer, Envelope } from '../../bus/envelope.ts';
import type { Failure } from '../../errors.ts';
import type { ChatEvent } from '../../providers/provider.ts';
import type { Verdict } from '../../security/scanner/verdict.ts';
import type { Append, Committed, Tail } from '../../stores/journal.ts';
import type { Outgoing } from '../../stores/outbox.ts';
import type { ReplyLost, SessionRecord, ToolCall, Usage, Warning } from '../../stores/records.ts';
import type { SessionState } from '../../stores/session-state.ts';
import type { ShortEvent } from '../../stores/turn-events.ts';
import type { SessionNames } from './names.ts';
import type { Reservation } from './policy.ts';
import type { ToolResult } from './tool-result.ts';

/** What a call used, as the row with this seq says; none of it and 0 when the call was not made. */
export interface Settled {
  readonly tokens: number;
  readonly cost_usd: number;
  readonly seq: number;
}

/** What a model's stream brings, and what the scanner says of it once it is over. */
export type ReplyEvent = ChatEvent | { readonly type: 'notice'; readonly warning: Warning };

/** What the scanner says of a message; or that it could not be scanned, and so is not taken. */
export type MessageVerdict = Verdict | { readonly kind: 'failed'; readonly error: Failure };

/** Ends an effect before its time; its callbacks are not called any more. */
export type Abort = () => void;

/** A permit that is asked for before the call that needs it is made. */
export interface SoughtPermit {
  /** Hands the answer to whoever makes the call: a permit at once when it is there. */
  take(answered: (answer: Answer<{ readonly permit: number }>) => void): void;
  /** Whoever waited for it has given up. */
  withdraw(): void;
  /** Gives it up if no call has taken it. */
  drop(): void;
}

/** Named places in a lane's work, in its order: what the crash tests kill at. */
export type LanePoint =
  | 'receive.before_journal'
  | 'receive.journaled'
  | 'recover.tail_read'
  | 'recover.resumed'
  | 'model.before'
  | 'model.first_delta'
  | 'model.after'
  | 'model.journaled'
  | 'tool.before'
  | 'tool.after'
  | 'tool.journaled'
  | 'approval.journaled'
  | 'approval.decided'
  | 'cancel.journaled'
  | 'turn.before_finish'
  | 'turn.finished'
  | 'reply.handing'
  | 'reply.taken'
  | 'reply.handed'
  | 'lane.checkpoint'
  | 'lane.asleep';

/** The message the view has under a key: its turn, null when there is none, and what is kept of its text. */
export interface OldMessage {
  readonly turn_id: string | null;
  readonly content: string;
}

export interface LaneEffects {
  append(append: Append<SessionRecord>, answered: (answer: Answer<Committed>) => void): void;
  tail(session_id: string, answered: (answer: Answer<Tail>) => void): void;
  /**
   * The turn and body of a message the session had under a key that it has forgotten.
   *
   * @param upto the session's last row that is durable: what was forgotten lies before it
   */
  oldKey(session_id: string, message_id: string, upto: number, answered: (answer: Answer<OldMessage>) => void): void;
  /**
   * Why nothing is taken of a sender in a workspace, or null.
   *
   * @param anywhere see `refusedSender`
   */
  refused(user_id: string, workspace_id: string, anywhere: boolean): Failure | null;
  /** Asks a channel to take on what it is to say. */
  say(session_id: string, part: Outgoing, answered: (answer: Answer<{ readonly seq: number }>) => void): void;
  /** Answers that are given up: their channel did not take them in time. */
  gaveUp(session_id: string, lost: ReplyLost): void;
  /**
   * Has chat channels forget what was said in a session, durably.
   *
   * @param channel the one it was opened by
   */
  unsay(session_id: string, channel: string, answered: (error: Failure | null) => void): void;
  /** Asks another session instead, and answers with what that says. */
  forward(envelope: Envelope, session_id: string): void;
  reply(to: Envelope, body: unknown): void;
  fail(to: Envelope, error: Failure): void;
  /** Tells whoever follows this session's turns; costs next to nothing when nobody does. */
  publish(names: SessionNames, turn_id: string, n: number, event: ShortEvent): void;
  published(names: SessionNames, turn_id: string, seq: number): void;
  /** Tells whoever follows a turn that never starts which one answers instead. */
  led(names: SessionNames, turn_id: string, answered_by: string): void;
  /** Asks for the permit of the call a state's turn has open, while that is still on its way to be durable. */
  seekPermit(names: SessionNames, state: SessionState): SoughtPermit;
  /** One model call: permit, stream, release. `end` is called once and later, unless it is aborted. */
  callModel(
    names: SessionNames,
    state: SessionState,
    permit: SoughtPermit,
    sink: { readonly event: (event: ReplyEvent) => void; readonly end: (error: Failure | null) => void },
  ): Abort;
  /** One tool call; `done` is called once, unless it is aborted. */
  runTool(state: SessionState, call: ToolCall, done: (result: ToolResult) => void): Abort;
  /** Reserves at every budget that could be reached; a refusal gives back what the others granted. */
  reserve(state: SessionState, most: Reservation, done: (refused: Failure | null) => void): Abort;
  /** A record has become durable, and this is the state it led to: for what is counted and told of sessions. */
  recorded(state: SessionState, record: SessionRecord): void;
  /** What the call a turn had reserved for has used. */
  settle(turn_id: string, used: Settled): void;
  /** A turn that was interrupted goes on: what it had open, known here or not, is settled. `state`: before it went on. */
  settleInterrupted(state: SessionState, used: Settled): void;
  cost(model: string, usage: Usage): number;
  /** Goes through a message; `done` is called once, for a short one before this returns. */
  scan(content: string, done: (verdict: MessageVerdict) => void): void;
  /** A short fingerprint of a message's body. */
  digest(text: string): string;
  point(name: LanePoint): void;
}
