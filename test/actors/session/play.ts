// SPDX-License-Identifier: Apache-2.0
// Plays a session on paper: decides, folds and steps like a lane does, with a scripted model, so that every prefix can be resumed.

import { decideApproval, decideExpired } from '../../../src/actors/session/approvals.ts';
import { decideCancel, decideHappened, decideReceive, decideResume } from '../../../src/actors/session/decide.ts';
import type { Deciding, Decision } from '../../../src/actors/session/draft.ts';
import { nextStep } from '../../../src/actors/session/next-step.ts';
import type { LanePolicy } from '../../../src/actors/session/policy.ts';
import { failure } from '../../../src/errors.ts';
import type { FailureScope } from '../../../src/providers/provider.ts';
import { evolve } from '../../../src/stores/fold.ts';
import type { QueueMode, SessionRecord } from '../../../src/stores/records.ts';
import { emptySession, isAsked, type RunningTool, type SessionState } from '../../../src/stores/session-state.ts';

export const SESSION = '018f0000-0000-8000-8000-000000000001';

export const policy: LanePolicy = {
  window: 6,
  waiting_most: 64,
  waiting_size: 1_000_000,
  keys: { most: 1_000_000, least: 64 },
  max_tool_iterations: 2,
  max_tool_calls_per_turn: 3,
  max_tool_calls_per_session: 1_000,
  per_session_tokens: () => 0,
  turn_timeout: 60_000,
  attempts_most: 3,
  checkpoint_every: 64,
  idle_timeout: 60_000,
  paused: () => false,
  awake_most: 100,
  route: ({ requested }) => requested || 'sigil/offline',
  failover: () => ['sigil/offline', 'near/small', 'near/large', 'far/dear'],
  estimate: () => ({ tokens: 10, cost_usd: 0 }),
  budgets: (model) => (model === 'far/dear' ? ['global'] : []),
  approval: (_, call) => (call.name.startsWith('ask') ? 'it asks' : null),
  approval_timeout: 3_600_000,
  outbox_age: 86_400_000,
  idempotent: (tool) => tool.endsWith('again'),
};

/** `ask…`: only if a person allows it; `…again`: idempotent. */
export type PlayedTool = 'once' | 'again' | 'ask-once' | 'ask-again';

/** What the model does when it is called: how many tools it asks for, whether it fails. */
export interface ModelMove {
  readonly tools: readonly PlayedTool[];
  /** What its failure is about; false when it answers. */
  readonly fails: false | FailureScope;
  /** Whether a budget that is asked before it is called refuses. */
  readonly refused?: boolean;
  readonly words: readonly string[];
}

export type Move =
  | { readonly kind: 'receive'; readonly queue: QueueMode; readonly user: string; readonly model: string }
  | { readonly kind: 'cancel'; readonly which: number }
  /** A person answers one of the requests that wait, or nobody does in time. */
  | { readonly kind: 'decide'; readonly which: number; readonly how: 'approve' | 'deny' | 'late' }
  /** The running effect comes to its end. */
  | { readonly kind: 'step'; readonly model: ModelMove };

/** A session played move by move. */
export class Play {
  readonly records: SessionRecord[] = [];
  state: SessionState;
  /** Tool calls that were run, by id. */
  readonly ran = new Map<string, number>();
  private ids = 0;
  private messages = 0;
  private readonly prefix: string;

  constructor(prefix = 'a', records: readonly SessionRecord[] = []) {
    this.prefix = prefix;
    this.state = emptySession();
    for (const record of records) this.state = this.fold(record);
    this.records.push(...records);
    this.messages = records.filter((record) => record.type === 'message_received').length;
  }

  deciding(): Deciding {
    return { now: 1_000, uuid: () => `${this.prefix}-${++this.ids}`, policy };
  }

  take(decision: Decision | null): void {
    for (const record of decision?.records ?? []) {
      this.state = this.fold(record);
      this.records.push(record);
    }
  }

  resume(): void {
    if (nextStep(this.state) !== 'idle') this.take(decideResume(this.state, this.deciding()));
  }

  move(move: Move): void {
    if (move.kind === 'receive') return this.receive(move);
    if (move.kind === 'cancel') return this.cancel(move.which);
    if (move.kind === 'decide') return this.decide(move);
    this.step(move.model);
  }

  /** Plays on without any more messages until nothing is left to do. */
  finish(): void {
    for (let left = 10_000; nextStep(this.state) !== 'idle'; left -= 1) {
      if (left === 0) throw new Error('the session never comes to rest');
      this.step({ tools: [], fails: false, words: ['done'] });
    }
  }

  private fold(record: SessionRecord): SessionState {
    return evolve(this.state, record, 1_000, policy.window);
  }

  private receive({ queue, user, model }: Move & { kind: 'receive' }): void {
    this.messages += 1;
    const message_id = `m${this.messages}`;
    const deliver = {
      message_id,
      user_id: user,
      channel: 'channel/http',
      content: `message ${this.messages}`,
      model,
      queue,
      workspace_id: 'home',
      open: true,
      any_user: false,
    };
    const { uuid } = this.deciding();
    this.take(decideReceive(this.state, SESSION, deliver, `turn-${uuid()}`, 'digest', this.deciding()));
  }

  private cancel(which: number): void {
    const turns = [
      ...(this.state.turn === null ? [] : [this.state.turn.turn_id]),
      ...this.state.waiting.map((waiting) => waiting.turn_id),
    ];
    const turn_id = turns[which % Math.max(1, turns.length)];
    if (turn_id !== undefined) this.take(decideCancel(this.state, turn_id, 'ann', this.deciding()));
  }

  private decide({ which, how }: Move & { kind: 'decide' }): void {
    const asked = (this.state.turn?.tools ?? []).filter(isAsked);
    const id = asked[which % Math.max(1, asked.length)]?.approval?.id ?? 'nobody asked';
    if (how === 'late')
      this.take(decideExpired(this.state, { ...this.deciding(), now: 1_000 + policy.approval_timeout }));
    else this.take(decideApproval(this.state, { id, decision: how, by: 'ann' }, this.deciding()));
  }

  private step(model: ModelMove): void {
    const next = nextStep(this.state);
    if (next === 'approval') return this.decide({ kind: 'decide', which: 0, how: 'approve' });
    if (next === 'call') return this.call(model);
    if (next === 'tools') return this.tools();
    if (next === 'conclude') this.take(decideHappened(this.state, { kind: 'concluded' }, this.deciding()));
    else if (next === 'reserve') {
      const error = { code: 'budget_exceeded' as const, message: 'too dear', retryable: false };
      const happened =
        model.refused === true
          ? { kind: 'refused' as const, error }
          : { kind: 'reserved' as const, tokens: 10, cost_usd: 0 };
      this.take(decideHappened(this.state, happened, this.deciding()));
    }
  }

  private call({ tools, fails, words }: ModelMove): void {
    const outcome = {
      content: words.join(''),
      thinking: '',
      deltas: words.filter((word) => word !== '').map((word) => word.length),
      tool_calls: tools.map((name) => ({ id: `call-${this.prefix}-${++this.ids}`, name, arguments: '{}' })),
      usage: { input_tokens: 5, output_tokens: words.length, cache_read_tokens: 0, cache_write_tokens: 0, cost_usd: 0 },
      end: fails
        ? { kind: 'failed' as const, error: failure('provider_error', 'no', { about: fails }) }
        : { kind: 'done' as const, finish: tools.length > 0 ? ('tool_calls' as const) : ('stop' as const) },
    };
    this.take(decideHappened(this.state, { kind: 'model_done', outcome }, this.deciding()));
  }

  private tools(): void {
    const may = (tool: RunningTool): boolean => !tool.returned && !isAsked(tool);
    const open = this.state.turn?.tools.filter(may).map((tool) => tool.call) ?? [];
    open.forEach((call, at) => {
      this.ran.set(call.id, (this.ran.get(call.id) ?? 0) + 1);
      const result = { call, content: 'result', is_error: false, truncated: false, took_ms: 1 };
      const last = at === open.length - 1;
      this.take(
        decideHappened(
          this.state,
          last ? { kind: 'tools_done', results: [result] } : { kind: 'tool_returned', result },
          this.deciding(),
        ),
      );
    });
  }
}
