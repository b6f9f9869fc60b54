// SPDX-License-Identifier: Apache-2.0
// The invariants, checked as things happen: what breaks one ends the run.

import { type AuditRow, checkChain, NO_AUDIT } from '../../src/stores/audit.ts';
import type { JournalRow } from '../../src/stores/records.ts';
import { type Clock, EPOCH, type Life } from './clock.ts';
import { digest } from './disk.ts';
import { JournalRules, type TurnFacts } from './journal-rules.ts';
import type { Plan, PlannedMessage } from './plan.ts';

export interface Broken {
  readonly rule: string;
  readonly text: string;
}

/** A model's stream while it runs. */
export interface Stream {
  readonly key: number;
  readonly provider: string;
  readonly life: Life;
  /** When it began. */
  readonly since: number;
}

/** What a client was told of a message it sent. */
export interface Acknowledged {
  readonly session_id: string;
  readonly turn_id: string;
  readonly message_id: string;
  readonly seq: number;
}

/** What a turn may fail with that nothing inside is to blame for. */
const OUTSIDE: ReadonlySet<string> = new Set([
  'provider_error',
  'provider_rate_limited',
  'tool_loop_limit',
  'deadline_exceeded',
  'budget_exceeded',
  'poisoned',
]);
/** Every model that was tried, with the code it failed with. */
const TRIED = /\/offline: (\w+): /g;
/** A session whose first call of a model has not begun. */
interface Waiting {
  readonly provider: string;
  readonly since: number;
  /** How often others were served meanwhile, by session. */
  readonly served: Map<string, number>;
}

/** While a session waits for a permit for longer than this, in milliseconds, no other may be served more often than so. */
const FAIR = { after: 100, most: 2 } as const;
/** How much longer than its time something may take without anything having been disturbed, in milliseconds. */
const SLACK = 2_000;

export class Rules {
  broken: Broken | undefined;
  readonly journal: JournalRules;
  readonly acknowledged = new Map<string, Acknowledged>();
  /** When something last broke, was slow or came back. */
  disturbed = 0;
  private readonly clock: Clock;
  private readonly plan: Plan;
  private readonly ids: ReadonlyMap<number, string>;
  private audited = NO_AUDIT;
  private readonly ran = new Map<string, number>();
  /** Sessions whose model call is journaled and has not begun, and who began one since. */
  private readonly waiting = new Map<string, Waiting>();
  /** Whether nothing hinders anybody but the others. */
  private readonly calm: boolean;

  constructor(clock: Clock, plan: Plan, window: number) {
    this.clock = clock;
    this.plan = plan;
    this.ids = new Map(plan.messages.map((message) => [message.key, messageId(message)]));
    this.calm = plan.faults.length === 0 && plan.link.slow_share === 0 && plan.cost <= 0.1;
    this.journal = new JournalRules((rule, text) => this.broke(rule, text), window, plan.settings.keys !== undefined);
  }

  broke(rule: string, text: string): void {
    this.broken ??= { rule, text };
  }

  /** From now on nothing counts as late that was under way. */
  disturb(ms = 0): void {
    this.disturbed = Math.max(this.disturbed, this.clock.now + ms);
  }

  rows(rows: readonly JournalRow[], audit: readonly AuditRow[]): void {
    this.audit(rows, audit);
    for (const row of rows) {
      this.journal.row(row);
      if (row.type === 'turn_finished' || row.type === 'turn_failed') this.inTime(row);
      if (row.type === 'turn_failed') this.forReason(row);
      if (row.type === 'model_called') this.waits(row);
      else if (row.type === 'turn_finished' || row.type === 'turn_failed') this.waiting.delete(row.stream);
    }
    const { per_hour_tokens } = this.plan.settings;
    if (per_hour_tokens > 0 && this.journal.tokens > per_hour_tokens) {
      this.broke('budget', `${this.journal.tokens} tokens are used of ${per_hour_tokens}`);
    }
  }

  /** The audit is one chain, and what is noted stands beside the record it is about. */
  private audit(rows: readonly JournalRow[], audit: readonly AuditRow[]): void {
    const { head, broken } = checkChain(this.audited, audit, digest);
    this.audited = head;
    if (broken !== null) this.broke('audit', broken.message);
    for (const { n, seq } of audit) {
      if (!rows.some((row) => row.seq === seq)) this.broke('audit', `entry ${n} is of row ${seq}, of another commit`);
    }
    for (const { type, turn_id, payload } of rows) {
      if (type === 'approval_decided') {
        const { id } = JSON.parse(payload) as { readonly id: string };
        if (!audit.some(({ action, details }) => action.startsWith('approval.') && details.includes(id)))
          this.broke('audit', `the request ${id} was decided and that is not noted`);
      }
      const poisoned = type === 'turn_failed' && (JSON.parse(payload) as { readonly code: string }).code === 'poisoned';
      if (
        poisoned &&
        !audit.some(({ action, details }) => action === 'turn.poisoned' && details.includes(turn_id ?? ''))
      )
        this.broke('audit', `turn ${turn_id} was given up and that is not noted`);
    }
  }

  /** R1: what is acknowledged is durable, and stays what it was. */
  acknowledge(told: Acknowledged): void {
    const turn = this.journal.byMessage.get(told.message_id);
    const leads = [turn?.turn_id, turn?.answered_by?.turn_id];
    if (turn === undefined || !leads.includes(told.turn_id) || turn.stream !== `session/${told.session_id}`) {
      this.broke('R1', `message ${told.message_id} was acknowledged and is not in the journal`);
    }
    const before = this.acknowledged.get(told.message_id);
    if (before !== undefined && !leads.includes(before.turn_id)) {
      this.broke('R1', `message ${told.message_id} was acknowledged as ${before.turn_id} and as ${told.turn_id}`);
    }
    this.acknowledged.set(told.message_id, told);
  }

  /** R1 of chats: a platform is told that a message is taken only once that is durable. */
  taken(message: PlannedMessage): void {
    if (!this.journal.byMessage.has(messageId(message)))
      this.broke('R1', `message ${messageId(message)} was told to be taken and is not in the journal`);
  }

  /** R2: a result that is journaled is not made again, and what is not idempotent is never made twice. */
  toolRan(turn_id: string, call_id: string, idempotent: boolean, asks: boolean): void {
    const turn = this.journal.turns.get(turn_id);
    if (asks) {
      const allowed = [...this.journal.approvals.values()].some(
        (one) => one.turn_id === turn_id && one.call_id === call_id && one.decision === 'approve',
      );
      if (!allowed) this.broke('approval', `tool call ${call_id} ran and nobody has allowed it`);
    }
    const call = `${turn_id} ${call_id}`;
    const before = this.ran.get(call) ?? 0;
    this.ran.set(call, before + 1);
    if (turn === undefined || !turn.called.has(call_id))
      this.broke('R2', `tool call ${call_id} ran before it was journaled`);
    else if (turn.returned.has(call_id))
      this.broke('R2', `tool call ${call_id} ran again after its result was journaled`);
    else if (turn.ended !== null) this.broke('R2', `tool call ${call_id} ran after its turn was over`);
    if (before > 0 && !idempotent)
      this.broke('R2', `tool call ${call_id}, which is not idempotent, ran ${before + 1} times`);
  }

  /** R6 and permits: a model is called for the one turn that runs, once it is journaled, and not too many at once. */
  streamBegan(stream: Stream, all: ReadonlySet<Stream>): void {
    const turn = this.turnOf(stream.key);
    if (turn === undefined)
      return this.broke('R6', `a model is called for message ${stream.key}, which is not durable`);
    const state = this.journal.streams.get(turn.stream)?.state;
    if (state?.turn?.turn_id !== turn.turn_id || state.turn.open_call === null) {
      this.broke('R6', `a model is called for turn ${turn.turn_id} without a journaled call`);
    }
    this.fair(turn.stream, stream.provider);
    const same = [...all].filter((other) => this.turnOf(other.key)?.stream === turn.stream);
    if (same.length > 1) this.broke('R6', `${same.length} models are called for ${turn.stream} at once`);
    const { max_concurrency } = this.plan.settings;
    const calm = this.clock.now - this.disturbed > 10_000 || this.plan.faults.length === 0;
    const theirs = [...all].filter(({ provider }) => provider === stream.provider).length;
    if (max_concurrency > 0 && calm && theirs > max_concurrency) {
      this.broke('permits', `${theirs} calls at once where ${max_concurrency} may be`);
    }
  }

  /** Whether a vendor is back is found out by a probe, never by somebody's turn. */
  calledWhileProbed(): void {
    const { faults, link, cost } = this.plan;
    // What was granted before the circuit opened may begin late where something hinders it.
    if (link.slow_share > 0 || cost > 0.1 || (faults.length > 0 && this.clock.now - this.disturbed < 3_000)) return;
    this.broke('circuit', 'a turn calls a model whose vendor is only just looked for');
  }

  private waits({ stream, payload }: JournalRow): void {
    const { model } = JSON.parse(payload) as { readonly model: string };
    const provider = model.slice(0, model.indexOf('/'));
    this.waiting.set(stream, { provider, since: this.clock.now, served: new Map() });
  }

  /** Whoever waits for a permit is not passed again and again by others who want one of the same provider. */
  private fair(stream: string, provider: string): void {
    this.waiting.delete(stream);
    if (!this.calm) return;
    for (const [session, { provider: theirs, since, served }] of this.waiting) {
      if (theirs !== provider || this.clock.now - since < FAIR.after) continue;
      const times = (served.get(stream) ?? 0) + 1;
      served.set(stream, times);
      if (times > FAIR.most) this.broke('fairness', `${stream} is served ${times} times while ${session} waits`);
    }
  }

  /** The turn that answers a message of the plan. */
  turnOf(key: number): TurnFacts | undefined {
    const turn = this.journal.byMessage.get(this.ids.get(key) ?? '');
    return turn?.answered_by ?? turn;
  }

  /** A turn fails for what its model did, its limits or its time, never for what happens inside. */
  private forReason(row: JournalRow): void {
    const { code, message } = JSON.parse(row.payload) as { readonly code: string; readonly message: string };
    const { mailbox_capacity, window } = this.plan.settings;
    const outside = (one: string): boolean => OUTSIDE.has(one) || (one === 'provider_unavailable' && circuit);
    const circuit = message.includes('circuit');
    const tried = code === 'provider_unavailable' ? [...message.matchAll(TRIED)].map((one) => one[1] ?? '') : [];
    const crowd = (one: string): boolean => one === 'overloaded' && (mailbox_capacity < 100 || window < 100);
    const reasons = tried.length > 0 ? tried : [code];
    if (!reasons.every((one) => outside(one) || crowd(one)))
      this.broke('answers', `turn ${row.turn_id} failed: ${code}: ${message}`);
  }

  /** A turn that nothing disturbed ends within its time. */
  private inTime(row: JournalRow): void {
    const turn = row.turn_id === null ? undefined : this.journal.turns.get(row.turn_id);
    if (turn?.started_at == null) return;
    const waited = turn.waited + turn.waits * SLACK;
    const until = turn.started_at + this.plan.settings.turn_timeout + waited;
    const { slow, slow_share } = this.plan.link;
    const links = slow_share > 0 ? slow * 4 : 0;
    // One that was taken up late may still ask people for something before it is seen that its time is over.
    const late = Math.max(turn.resumed_at, EPOCH + this.disturbed) + waited;
    const allowed = Math.max(until, late) + SLACK + links;
    if (row.at > allowed) this.broke('time', `turn ${turn.turn_id} ended ${row.at - until} ms past its time`);
  }
}

/** The chat channel there may be. */
export const CHANNEL = 'sim';

/** The key under which a session knows a message of the plan. */
export function messageId({ key, mode }: Pick<PlannedMessage, 'key' | 'mode'>): string {
  return mode === 'chat' ? `${CHANNEL}:message-${key}` : `message-${key}`;
}
