// SPDX-License-Identifier: Apache-2.0
// What a session's lane answers to.

import type { ChatAttachment, ChatMessage, ChatOptions } from '../../providers/provider.ts';
import type { Attachment } from '../../stores/attachments.ts';
import type { ImportedTurn } from '../../stores/imported-turn.ts';
import type { ApprovalDecision, QueueMode } from '../../stores/records.ts';
import type { ReplyTo } from '../../stores/reply-to.ts';
import type { SessionSummary } from '../../stores/session-state.ts';
import type { SessionWrite } from '../../stores/session-write.ts';
import type { NumberedTurnEvent, TurnEventBatch } from '../../stores/turn-events.ts';

/** A message on its way into a session. */
export interface Deliver {
  readonly message_id: string;
  readonly user_id: string;
  /** The channel it came by. */
  readonly channel: string;
  readonly content: string;
  /** It comes from another session: how many it has come through. */
  readonly hops?: number;
  /** Files that came with it; their bytes are kept already. */
  readonly attachments?: readonly Attachment[];
  /** The model asked for by name; empty: routed. */
  readonly model: string;
  readonly queue: QueueMode;
  /** Where the session is, or will be opened; empty: wherever it is. */
  readonly workspace_id: string;
  /** Whether the session is opened when it does not exist yet. */
  readonly open: boolean;
  /** Whether the sender may write into somebody else's session. */
  readonly any_user: boolean;
  /** Whether the sender may write in workspaces they are no member of. */
  readonly any_workspace?: boolean;
  /** It is for the session that stands for its conversation now: once somebody began anew, another one takes it. */
  readonly conversation?: true;
  /** The version of the directory its sender was looked up in: who takes it knows at least as much. */
  readonly directory?: number;
  /** Where on its channel the answer goes; absent where the sender follows the turn instead (HTTP, the terminal). */
  readonly reply_to?: ReplyTo;
  /** The session is made for this message alone, and nothing of it is kept: not in the journal, not in a view. */
  readonly fleeting?: FleetingSession;
}

/** What a session that is not kept begins with, and how its models are asked. */
export interface FleetingSession {
  /** What was said before, oldest first. */
  readonly history: readonly ChatMessage[];
  /** What the models are told besides the house's own prompt. */
  readonly instructions: string;
  /** Images that come with the message. */
  readonly images: readonly ChatAttachment[];
  readonly options: ChatOptions;
}

/** A message that is durable, and the turn that answers it. */
export interface Delivered {
  readonly session_id: string;
  readonly workspace_id: string;
  readonly turn_id: string;
  readonly message_id: string;
  /** `ended`: this is a repetition of a message whose turn is over; read its record. */
  readonly status: 'queued' | 'running' | 'ended';
  readonly repeated: boolean;
  /** The journal's seq a read must have reached to see it. */
  readonly seq: number;
}

export interface Watched {
  /** The turn asked for, or the one that answers its message instead. */
  readonly turn_id: string;
  readonly status: 'queued' | 'running' | 'ended';
  /** Events held in memory with a number above the one asked for, in order. */
  readonly events: readonly NumberedTurnEvent[];
  /** The number the memory begins with: smaller ones are in the record only. */
  readonly first: number;
  readonly seq: number;
}

export interface SessionChange {
  readonly title?: string;
  readonly model?: string;
  readonly status?: 'active' | 'archived';
}

/** A part of a session that comes from an export. */
export interface SessionImport {
  /** What the session is opened with when it does not exist; `at` in epoch milliseconds. */
  readonly create: {
    readonly workspace_id: string;
    readonly user_id: string;
    readonly channel: string;
    readonly at: number;
  };
  /** Those the session has are passed over. */
  readonly turns: readonly ImportedTurn[];
}

/** A person's answer to a request for approval. Whether they may give it is asked before. */
export interface GivenAnswer {
  readonly id: string;
  readonly decision: 'approve' | 'deny';
  readonly by: string;
}

/** What became of an answer: it is taken, or the request was not waiting any more. */
export interface Answered {
  readonly status: 'taken' | 'over';
  /** Who decided, and how; empty and null where only the record knows. */
  readonly by: string;
  readonly decision: ApprovalDecision | null;
  readonly seq: number;
}

/** What somebody asks of a conversation with a command. */
export interface SessionCommand {
  readonly by: string;
  /** Whether they may stop and allow what is other people's. */
  readonly all: boolean;
  /** Where the session is, or would be opened. */
  readonly place: { readonly workspace_id: string; readonly user_id: string; readonly channel: string };
  readonly what: /** `next`: the session that stands for the conversation from here on. */
    | { readonly do: 'new'; readonly next: string }
    | { readonly do: 'stop' }
    | { readonly do: 'status' }
    /** Empty: which it is; `default`: as configured. */
    | { readonly do: 'model'; readonly model: string }
    /** `part`: how the request's id begins or ends; empty: the only one there is. */
    | { readonly do: 'answer'; readonly part: string; readonly decision: 'approve' | 'deny' };
}

/** What came of it. */
export interface SessionCommanded {
  /** The session that stands for the conversation. */
  readonly session_id: string;
  readonly what:
    | { readonly did: 'new'; readonly next: string }
    | { readonly did: 'stop'; readonly status: 'stopping' | 'idle' | 'not_yours' }
    /** `asked`: requests that wait for a person. */
    | {
        readonly did: 'status';
        readonly model: string;
        readonly running: boolean;
        readonly waiting: number;
        readonly asked: number;
      }
    /** `chosen`: somebody chose it for this conversation. */
    | { readonly did: 'model'; readonly model: string; readonly chosen: boolean }
    | {
        readonly did: 'answer';
        readonly status: 'taken' | 'none' | 'which' | 'not_yours';
        readonly tool: string;
        /** Those that wait. */
        readonly ids: readonly string[];
      };
  readonly seq: number;
}

export type SessionProtocol = {
  /** Answered when durable. `not_found`, `forbidden`, `conflict` (archived, or the id with another body), `overloaded`. */
  readonly 'session.deliver': { readonly body: Deliver; readonly reply: Delivered };
  /** Where a turn stands. Subscribe to the turns topic first, ask this after: then nothing is missed. */
  readonly 'session.watch': {
    readonly body: { readonly turn_id: string; readonly from: number };
    readonly reply: Watched;
  };
  /** Stops a running turn or drops a queued one; `ended` when there is nothing left to stop. */
  readonly 'session.cancel': {
    readonly body: { readonly turn_id: string; readonly by: string };
    readonly reply: { readonly status: 'cancelling' | 'ended'; readonly seq: number };
  };
  /** Answers a request for approval; answered when durable. */
  readonly 'session.approval': { readonly body: GivenAnswer; readonly reply: Answered };
  /** Answered when durable, with how many of the turns were new; `forbidden` when the session is somebody else's. */
  readonly 'session.import': {
    readonly body: SessionImport;
    readonly reply: { readonly turns: number; readonly seq: number };
  };
  /**
   * For the session that stands for its conversation now, which this one knows; answered when durable. `not_found` and
   * `validation_failed` where a model is not one that can be asked.
   */
  readonly 'session.command': { readonly body: SessionCommand; readonly reply: SessionCommanded };
  readonly 'session.change': {
    readonly body: SessionChange & { readonly by: string };
    readonly reply: { readonly seq: number };
  };
  /** Records of a caller's own, answered when durable; `conflict` while a turn is open. */
  readonly 'session.write': {
    readonly body: Omit<SessionWrite, 'session_id'>;
    readonly reply: { readonly seq: number };
  };
  /** Its older messages were summed up to this. Answered when durable; `not_found` when there is no such session. */
  readonly 'session.compacted': { readonly body: SessionSummary; readonly reply: { readonly seq: number } };
  /** Somebody whose words are in its summary is being erased. Answered when durable; `not_found` when there is no such session. */
  readonly 'session.erase_summary': {
    readonly body: { readonly user_id: string };
    readonly reply: { readonly seq: number };
  };
  /**
   * Stops what runs, drops what waits, and then deletes the session with all that was said in it. Answered when that is
   * durable; meanwhile nothing else is taken (`conflict`). `not_found` when there is none.
   */
  readonly 'session.delete': { readonly body: { readonly by: string }; readonly reply: { readonly seq: number } };
};

/** The name of the topic (of a session's address) that carries every event of its turns, as {@link TurnEventBatch}es. */
export const TURNS_TOPIC = 'turns';

/** The name of the topic that says, once a turn is over, that it is: for those who do not want its deltas. */
export const ENDS_TOPIC = 'ends';

/** Published on the ends topic after the end is durable: read the record at `seq`. */
export interface TurnEnded {
  readonly turn_id: string;
  readonly seq: number;
}
