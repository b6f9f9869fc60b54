// SPDX-License-Identifier: Apache-2.0
// Runs what the chart asks for in a turn: one model call, its tools, or a reservation, and tells what came of it.

import { replacementWarning } from '../../agent/call.ts';
import type { Failure } from '../../errors.ts';
import type { ToolCall } from '../../stores/records.ts';
import { isAsked, type SessionState } from '../../stores/session-state.ts';
import { INTERRUPTED } from '../../stores/tool-use.ts';
import type { ShortEvent } from '../../stores/turn-events.ts';
import type { Happened } from './decide.ts';
import type { Abort, LaneEffects, SoughtPermit } from './effects.ts';
import type { SessionNames } from './names.ts';
import type { LanePolicy } from './policy.ts';
import { ReplyCollector } from './reply-collector.ts';
import { type ToolResult, unmade } from './tool-result.ts';

/** Whose turns they are. */
export interface TurnOwner {
  readonly names: SessionNames;
  readonly policy: LanePolicy;
  readonly effects: LaneEffects;
  /** Listeners are shown a delta. */
  show(turn_id: string, event: ShortEvent): void;
  /** One tool is back while others still run: journaled without asking the chart. */
  returned(result: ToolResult): void;
  /** What was asked for came to its end. */
  happened(what: Happened): void;
}

/** What is running. */
interface Running {
  /** Ends it now, telling what came of it so far. */
  readonly end: (why: Failure | 'cancelled') => void;
  /** Stops it without telling anybody. */
  readonly abort: Abort;
}

/** The tool calls that run. */
interface RunningTools extends Running {
  /** Begins those of a state that have not begun. */
  readonly begin: (calls: readonly ToolCall[]) => void;
}

export class TurnRunner {
  private readonly owner: TurnOwner;
  private running: Running | null = null;
  /** What runs, when that is tools. */
  private tooling: RunningTools | null = null;
  /** Calls of the newest reply that have begun: what is durable may tell of them later. */
  private begun: Set<string> | null = null;
  /** The permit of the call that is made next, or is under way. */
  private permit: SoughtPermit | null = null;
  private stopped = false;

  constructor(owner: TurnOwner) {
    this.owner = owner;
  }

  get busy(): boolean {
    return this.running !== null;
  }

  /** Ends what runs, with what it has so far. */
  end(why: Failure | 'cancelled'): void {
    this.running?.end(why);
  }

  /** Stops what runs; nobody is told, now or later. */
  stop(): void {
    this.stopped = true;
    this.running?.abort();
    this.running = null;
    this.permit?.drop();
  }

  /** A call of this state's turn is on its way to be durable: its permit is asked for meanwhile. */
  foresee(state: SessionState): void {
    this.permit?.drop();
    this.permit = this.owner.effects.seekPermit(this.owner.names, state);
  }

  /** The next model call of a state's turn: permit, stream, release. */
  call(state: SessionState): void {
    const { turn } = state;
    if (turn === null) return;
    this.begun = null;
    const { effects, names } = this.owner;
    const collector = new ReplyCollector((usage) => effects.cost(turn.model, usage));
    let finish: Parameters<ReplyCollector['ended']>[0] | null = null;
    let abort: Abort = () => undefined;
    let over = false;
    let begun = false;
    const warning = replacementWarning(turn);
    const permit = this.permit ?? effects.seekPermit(names, state);
    this.permit = null;
    const end = (error: Failure | null): void => {
      if (over) return;
      over = true;
      permit.drop();
      effects.point('model.after');
      const outcome =
        error !== null ? collector.failed(error) : finish === null ? collector.failed() : collector.ended(finish);
      this.done({ kind: 'model_done', outcome });
    };
    this.running = {
      end: (why) => {
        abort();
        if (why === 'cancelled') finish = 'cancelled';
        end(why === 'cancelled' ? null : why);
      },
      abort: () => {
        abort();
        permit.drop();
      },
    };
    effects.point('model.before');
    abort = effects.callModel(names, state, permit, {
      event: (event) => {
        if (over || this.stopped) return;
        if (event.type === 'done') finish = event.finishReason;
        else if (event.type === 'error') return end(event.error);
        const shown = collector.take(event);
        if (shown !== null) {
          if (!begun && warning !== null) this.owner.show(turn.turn_id, { event: 'warning', data: warning });
          this.owner.show(turn.turn_id, shown);
          if (!begun) effects.point('model.first_delta');
          begun = true;
        }
        if (!collector.full) return;
        finish = 'length';
        abort();
        end(null);
      },
      end: (error) => {
        if (!this.stopped) end(error);
      },
    });
  }

  /** The tool calls of a state's turn that may run and have not begun, all at once, beside those that run. */
  tools(state: SessionState): void {
    const { turn } = state;
    if (turn === null) return;
    this.begun ??= new Set();
    const fresh: ToolCall[] = [];
    for (const tool of turn.tools) {
      if (tool.returned || isAsked(tool) || this.begun.has(tool.call.id)) continue;
      this.begun.add(tool.call.id);
      fresh.push(tool.call);
    }
    if (fresh.length === 0) return;
    this.tooling ??= this.runningTools(state);
    this.running = this.tooling;
    this.tooling.begin(fresh);
  }

  private runningTools(state: SessionState): RunningTools {
    const { effects } = this.owner;
    const aborts = new Map<string, Abort>();
    const left = new Map<string, ToolCall>();
    /** Why the turn itself is over with them. */
    let failed: Failure | null = null;
    const back = (result: ToolResult): void => {
      if (this.stopped || !left.delete(result.call.id)) return;
      effects.point('tool.after');
      if (left.size > 0) return this.owner.returned(result);
      this.tooling = null;
      this.done({ kind: 'tools_done', results: [result], ...(failed === null ? {} : { error: failed }) });
    };
    return {
      begin: (calls) => {
        for (const call of calls) left.set(call.id, call);
        for (const call of calls) {
          effects.point('tool.before');
          aborts.set(call.id, effects.runTool(state, call, back));
        }
      },
      end: (why) => {
        const text = why === 'cancelled' ? 'The call was cancelled.' : `${why.code}: ${why.message}`;
        if (why !== 'cancelled') failed = why;
        for (const call of [...left.values()]) {
          aborts.get(call.id)?.();
          back(unmade(call, text, INTERRUPTED));
        }
      },
      abort: () => {
        for (const id of left.keys()) aborts.get(id)?.();
      },
    };
  }

  /** What the next call may cost, at every budget it could reach. */
  reserve(state: SessionState): void {
    const most = this.owner.policy.estimate(state);
    const abort = this.owner.effects.reserve(state, most, (refused) => {
      if (this.stopped) return;
      this.done(refused === null ? { kind: 'reserved', ...most } : { kind: 'refused', error: refused });
    });
    this.running = {
      end: (why) => {
        abort();
        this.done(why === 'cancelled' ? { kind: 'concluded' } : { kind: 'refused', error: why });
      },
      abort,
    };
  }

  private done(what: Happened): void {
    this.running = null;
    this.owner.happened(what);
  }
}
