// SPDX-License-Identifier: Apache-2.0
// What must hold of every row that becomes durable: one writer, one turn at a time, each ended once, nothing twice.

import { isDeepStrictEqual } from 'node:util';
import { nextStep } from '../../src/actors/session/next-step.ts';
import { evolve } from '../../src/stores/fold.ts';
import { type PackedSession, unpackSession } from '../../src/stores/packed-session.ts';
import {
  type ApprovalDecided,
  type ApprovalDecision,
  type ApprovalRequested,
  type JournalRow,
  restore,
  type SessionRecord,
} from '../../src/stores/records.ts';
import { emptySession, type SessionState } from '../../src/stores/session-state.ts';
import type { Broke } from './broke.ts';
import { ChatRules } from './chat-rules.ts';
import { CompactionRules } from './compaction-rules.ts';

/** A turn as the journal has it. */
export interface TurnFacts {
  readonly turn_id: string;
  readonly stream: string;
  readonly message_id: string;
  readonly user_id: string;
  readonly content: string;
  readonly received_at: number;
  started_at: number | null;
  resumed_at: number;
  cancelled: boolean;
  ended: 'finished' | 'failed' | null;
  finish: string;
  code: string;
  reply_id: string;
  text: string;
  records: SessionRecord[];
  readonly returned: Set<string>;
  readonly called: Set<string>;
  /** The turn that answers its message instead. */
  answered_by: TurnFacts | null;
  /** The messages it answers: its own, those collected, those it was handed. */
  readonly message_ids: string[];
  /** How long people were waited for, and since when, in milliseconds. */
  waited: number;
  /** How often: each time its own time is looked at anew. */
  waits: number;
  asked_at: number | null;
  /** The row its message comes at in the session. */
  placed: number;
}

/** A request for approval as the journal has it. */
export interface ApprovalFacts {
  readonly id: string;
  readonly turn_id: string;
  readonly call_id: string;
  readonly expires_at: number;
  decision: ApprovalDecision | null;
  by: string;
}

interface StreamFacts {
  n: number;
  seq: number;
  state: SessionState;
  readonly keys: Set<string>;
  /** A queued turn that was cancelled: started and ended in one breath. */
  beside: string | null;
}

export class JournalRules {
  readonly turns = new Map<string, TurnFacts>();
  readonly streams = new Map<string, StreamFacts>();
  /** Message id to the turn that answers it. */
  readonly byMessage = new Map<string, TurnFacts>();
  readonly compactions: CompactionRules;
  readonly chats: ChatRules;
  /** Tokens used by turns as the journal has it. */
  private used = 0;
  /** Requests for approval, by their ids. */
  readonly approvals = new Map<string, ApprovalFacts>();
  /** Told when a person is asked. */
  asked: (stream: string, request: ApprovalRequested) => void = () => undefined;
  private seq = 0;
  private readonly broke: Broke;
  private readonly window: number;
  private readonly forgets: boolean;

  /** @param forgets whether sessions may forget keys that are not old */
  constructor(broke: Broke, window: number, forgets: boolean) {
    this.broke = broke;
    this.window = window;
    this.forgets = forgets;
    this.compactions = new CompactionRules(broke);
    this.chats = new ChatRules(broke);
  }

  /** Tokens used as the journal has it. */
  get tokens(): number {
    return this.used + this.compactions.tokens;
  }

  row(row: JournalRow): void {
    if (row.seq !== this.seq + 1) this.broke('journal', `row ${row.seq} follows ${this.seq}`);
    this.seq = row.seq;
    const facts = this.streams.get(row.stream) ?? {
      n: 0,
      seq: 0,
      state: emptySession(),
      keys: new Set<string>(),
      beside: null,
    };
    this.streams.set(row.stream, facts);
    if (row.n !== facts.n + 1 || row.prev !== facts.seq) {
      this.broke('R6', `${row.stream}: row ${row.n} (before it ${row.prev}) follows ${facts.n} (${facts.seq})`);
    }
    facts.n = row.n;
    facts.seq = row.seq;
    if (row.stream.startsWith('workspace/')) this.compactions.row(row);
    if (row.stream.startsWith('channel/')) this.chats.channel(row);
    // Rows of others than these have to be in order, and are checked no further here.
    if (!row.stream.startsWith('session/')) return;
    const record = restore(row);
    this.chats.session(record, row.at);
    this.check(row, record, facts);
    facts.state = evolve(facts.state, record, row.at, this.window);
  }

  private check(row: JournalRow, record: SessionRecord, facts: StreamFacts): void {
    const { stream } = row;
    const open = facts.state.turn;
    const turn = 'turn_id' in record ? this.turns.get(record.turn_id) : undefined;
    turn?.records.push(record);
    if (facts.beside !== null && record.type !== 'turn_finished') {
      this.broke('R6', `${stream}: ${record.type} between the start and the end of a cancelled turn`);
    }
    switch (record.type) {
      case 'session_created':
        if (row.n !== 1) this.broke('R6', `${stream} was created at row ${row.n}`);
        return;
      case 'message_received': {
        if (facts.keys.has(record.message_id)) {
          this.broke('R1', `${stream}: message ${record.message_id} was taken in twice`);
        }
        facts.keys.add(record.message_id);
        if (turn !== undefined) this.broke('R6', `two messages have turn ${record.turn_id}`);
        const made: TurnFacts = {
          turn_id: record.turn_id,
          stream,
          message_id: record.message_id,
          user_id: record.user_id,
          content: record.content,
          received_at: row.at,
          started_at: null,
          resumed_at: 0,
          cancelled: false,
          ended: null,
          finish: '',
          code: '',
          reply_id: '',
          text: '',
          records: [record],
          returned: new Set(),
          called: new Set(),
          answered_by: null,
          message_ids: [record.message_id],
          waited: 0,
          waits: 0,
          asked_at: null,
          placed: row.seq,
        };
        this.turns.set(record.turn_id, made);
        this.byMessage.set(record.message_id, made);
        return;
      }
      case 'compacted':
        this.compactions.compacted(record.compaction_id);
        return;
      case 'session_superseded':
      case 'session_changed':
      case 'summary_erased':
      case 'message_added':
      case 'message_blocked':
      case 'session_deleted':
        return;
      case 'reply_handed':
        return this.chats.handed(record.key);
      case 'reply_lost':
        return this.broke('chat', `${stream}: ${record.key} is told to nobody: ${record.message}`);
      case 'checkpoint':
        return this.checkpoint(row, record.state as PackedSession, facts);
      default:
        break;
    }
    if (turn === undefined) return this.broke('R6', `${stream}: ${record.type} of a turn nobody asked for`);
    if (turn.ended !== null) this.broke('R6', `${stream}: ${record.type} of turn ${turn.turn_id}, which is over`);
    if (record.type === 'message_collected' || record.type === 'message_steered')
      return this.joined(row, record, turn, facts);
    if (record.type === 'turn_started') return this.started(row, record.message_ids, turn, facts);
    const mine = open?.turn_id === turn.turn_id;
    if (!mine && facts.beside !== turn.turn_id && !(record.type === 'cancel_requested' && open !== null)) {
      this.broke('R6', `${stream}: ${record.type} of turn ${turn.turn_id} while ${open?.turn_id ?? 'none'} runs`);
    }
    switch (record.type) {
      case 'turn_resumed':
        turn.resumed_at = row.at;
        this.used += record.settled_tokens;
        break;
      case 'model_called':
        if (open?.open_call !== null) this.broke('R6', `${stream}: a second model call beside one that is open`);
        if (turn.cancelled) this.broke('cancel', `${stream}: a model call in a cancelled turn`);
        break;
      case 'model_replied':
        if (open?.open_call === null) this.broke('R6', `${stream}: a reply nobody called for`);
        turn.text += record.content;
        this.used += record.usage.input_tokens + record.usage.output_tokens;
        break;
      case 'model_replaced':
        if (open?.open_call !== null) this.broke('R6', `${stream}: a model is replaced while its call is open`);
        turn.text = turn.text.slice(0, record.kept);
        break;
      case 'tool_called':
        for (const { id } of record.calls) {
          if (turn.called.has(id)) this.broke('R2', `${stream}: tool call ${id} is journaled twice`);
          turn.called.add(id);
        }
        break;
      case 'tool_returned':
        if (!turn.called.has(record.call_id)) this.broke('R2', `${stream}: a result of ${record.call_id}, not called`);
        if (turn.returned.has(record.call_id)) this.broke('R2', `${stream}: two results of ${record.call_id}`);
        turn.returned.add(record.call_id);
        break;
      case 'approval_requested':
        this.requested(row, record, turn);
        break;
      case 'approval_decided':
        this.decided(row, record, turn);
        break;
      case 'cancel_requested':
        turn.cancelled = true;
        break;
      case 'turn_finished':
        this.ended(row, turn, facts, 'finished');
        turn.finish = record.finish_reason;
        turn.reply_id = record.reply_id;
        if (record.content !== turn.text) this.broke('events', `${stream}: turn ${turn.turn_id} ends with other text`);
        if (turn.cancelled && record.finish_reason !== 'cancelled') {
          this.broke('cancel', `${stream}: cancelled turn ${turn.turn_id} finished with ${record.finish_reason}`);
        }
        break;
      case 'turn_failed':
        this.ended(row, turn, facts, 'failed');
        turn.code = record.code;
        break;
      default:
        record satisfies never;
    }
  }

  /** The turn that answers the message of this one. */
  answering(turn_id: string): TurnFacts | undefined {
    const turn = this.turns.get(turn_id);
    return turn?.answered_by ?? turn;
  }

  /** A message is answered by one turn alone: its own that starts, or the one it is led to while it waits. */
  private joined(
    row: JournalRow,
    record: SessionRecord & { type: 'message_collected' | 'message_steered' },
    turn: TurnFacts,
    { state }: StreamFacts,
  ): void {
    const { stream } = row;
    const { message_id, waited_as, type } = record;
    const waited = this.turns.get(waited_as);
    if (waited === undefined || waited.message_id !== message_id || waited === turn)
      return this.broke('queue', `${stream}: ${type} of ${message_id}, which did not wait as ${waited_as}`);
    if (waited.started_at !== null || waited.answered_by !== null || waited.cancelled)
      this.broke('queue', `${stream}: ${message_id} is answered by ${turn.turn_id} and otherwise`);
    if (state.waiting.every((message) => message.message_id !== message_id))
      this.broke('queue', `${stream}: ${message_id} does not wait`);
    if (turn.user_id !== waited.user_id) this.broke('queue', `${stream}: ${message_id} is somebody else's`);
    waited.answered_by = turn;
    turn.message_ids.push(message_id);
    if (type === 'message_collected') {
      if (state.turn !== null || state.waiting[0]?.turn_id !== turn.turn_id)
        this.broke('queue', `${stream}: ${message_id} is collected for a turn that does not begin`);
      return;
    }
    waited.placed = row.seq;
    const open = state.turn;
    if (open?.turn_id !== turn.turn_id || open.open_call !== null || record.before_call !== open.calls + 1)
      this.broke('queue', `${stream}: ${message_id} is handed to a turn that is not about to make a call`);
    if (turn.cancelled) this.broke('queue', `${stream}: ${message_id} is handed to a cancelled turn`);
  }

  /** A call is asked for once, before it runs, while it has no result. */
  private requested(row: JournalRow, record: ApprovalRequested, turn: TurnFacts): void {
    const { id, call_id, turn_id, expires_at } = record;
    const { stream } = row;
    if (this.approvals.has(id)) this.broke('approval', `${stream}: two requests ${id}`);
    if (!turn.called.has(call_id) || turn.returned.has(call_id))
      this.broke('approval', `${stream}: ${call_id} is asked for, and is not about to run`);
    this.approvals.set(id, { id, turn_id, call_id, expires_at, decision: null, by: '' });
    turn.asked_at ??= row.at;
    this.asked(stream, record);
  }

  private decided(row: JournalRow, { id, decision, by }: ApprovalDecided, turn: TurnFacts): void {
    const approval = this.approvals.get(id);
    if (approval === undefined || approval.decision !== null || approval.turn_id !== turn.turn_id)
      return this.broke('approval', `${row.stream}: the request ${id} is decided, which does not wait`);
    if (decision === 'expired' && row.at < approval.expires_at)
      this.broke('approval', `${row.stream}: the request ${id} expires early`);
    if ((by === 'system') !== (decision === 'expired' || decision === 'cancelled'))
      this.broke('approval', `${row.stream}: the request ${id} is decided (${decision}) by ${by}`);
    approval.decision = decision;
    approval.by = by;
    const waits = [...this.approvals.values()].some((one) => one.turn_id === turn.turn_id && one.decision === null);
    if (waits || turn.asked_at === null) return;
    turn.waits += 1;
    turn.waited += row.at - turn.asked_at;
    turn.asked_at = null;
  }

  private started(row: JournalRow, message_ids: readonly string[], turn: TurnFacts, facts: StreamFacts): void {
    const { state } = facts;
    if (message_ids.join() !== turn.message_ids.join())
      this.broke('queue', `${row.stream}: ${turn.turn_id} begins with ${message_ids}, not with ${turn.message_ids}`);
    if (turn.answered_by !== null)
      this.broke('queue', `${row.stream}: ${turn.turn_id} begins and is answered elsewhere`);
    if (turn.started_at !== null) this.broke('R6', `${row.stream}: turn ${turn.turn_id} is started twice`);
    turn.started_at = row.at;
    if (turn.cancelled && state.turn?.turn_id !== turn.turn_id) {
      facts.beside = turn.turn_id;
      return;
    }
    if (state.turn !== null)
      this.broke('R6', `${row.stream}: turn ${turn.turn_id} begins beside ${state.turn.turn_id}`);
    if (state.waiting[0]?.turn_id !== turn.turn_id)
      this.broke('R6', `${row.stream}: turn ${turn.turn_id} begins early`);
  }

  private ended(row: JournalRow, turn: TurnFacts, facts: StreamFacts, how: 'finished' | 'failed'): void {
    turn.ended = how;
    facts.beside = null;
    if (turn.asked_at !== null)
      this.broke('approval', `${row.stream}: turn ${turn.turn_id} ends and a request of it waits`);
    const open = [...turn.called].filter((id) => !turn.returned.has(id));
    if (open.length > 0 && how === 'finished') this.broke('R2', `${row.stream}: ${open.length} calls without a result`);
  }

  /** A checkpoint is the same state as the whole log, but for the oldest keys, where it says that some are forgotten. */
  private checkpoint(row: JournalRow, packed: PackedSession, facts: StreamFacts): void {
    const { state } = unpackSession(structuredClone(packed), row.seq);
    const { keys_forgotten } = state;
    const keys = [...facts.state.keys];
    const left = this.forgets && keys_forgotten ? keys.slice(keys.length - state.keys.size) : keys;
    const folded = {
      ...facts.state,
      since_checkpoint: 0,
      keys: new Map(left),
      ...(this.forgets && { keys_forgotten }),
    };
    if (!isDeepStrictEqual(JSON.parse(JSON.stringify(plain(state))), JSON.parse(JSON.stringify(plain(folded))))) {
      this.broke('fold', `${row.stream}: the checkpoint at row ${row.n} is not what its rows add up to`);
    }
    if (nextStep(state) !== nextStep(facts.state)) this.broke('fold', `${row.stream}: another next step`);
  }
}

const plain = (state: SessionState): unknown => ({ ...state, keys: [...state.keys] });
