// SPDX-License-Identifier: Apache-2.0
// Runs what the chart asks for in a turn: one model call, its tools, or a reservation, and tells what came of it.

import type { Failure } from '../../errors.ts';
import type { SessionState } from '../../stores/fold.ts';
import { INTERRUPTED } from '../../stores/tool-use.ts';
import type { ShortEvent } from '../../stores/turn-events.ts';
import { type Happened, type ToolResult, unmade } from './decide.ts';
import type { Abort, LaneEffects } from './effects.ts';
import { replacementWarning } from './failover.ts';
import type { SessionNames } from './names.ts';
import type { LanePolicy } from './policy.ts';
import { ReplyCollector } from './reply-collector.ts';

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

export class TurnRunner {
  private readonly owner: TurnOwner;
  private running: Running | null = null;
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
  }

  /** The next model call of a state's turn: permit, stream, release. */
  call(state: SessionState): void {
    const { turn } = state;
    if (turn === null) return;
    const { effects, names } = this.owner;
    const collector = new ReplyCollector((usage) => effects.cost(turn.model, usage));
    let finish: Parameters<ReplyCollector['ended']>[0] | null = null;
    let abort: Abort = () => undefined;
    let over = false;
    let begun = false;
    const warning = replacementWarning(turn);
    const end = (error: Failure | null): void => {
      if (over) return;
      over = true;
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
      abort: () => abort(),
    };
    effects.point('model.before');
    abort = effects.callModel(names, state, {
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

  /** The tool calls of a state's turn that have no result yet, all at once. */
  tools(state: SessionState): void {
    const { turn } = state;
    if (turn === null) return;
    const { effects } = this.owner;
    const open = turn.tools.filter((tool) => !tool.returned).map((tool) => tool.call);
    const aborts = new Map<string, Abort>();
    const left = new Set(open.map((call) => call.id));
    /** Why the turn itself is over with them. */
    let failed: Failure | null = null;
    const back = (result: ToolResult): void => {
      if (this.stopped || !left.delete(result.call.id)) return;
      effects.point('tool.after');
      if (left.size > 0) this.owner.returned(result);
      else this.done({ kind: 'tools_done', results: [result], ...(failed === null ? {} : { error: failed }) });
    };
    this.running = {
      end: (why) => {
        const text = why === 'cancelled' ? 'The call was cancelled.' : `${why.code}: ${why.message}`;
        if (why !== 'cancelled') failed = why;
        for (const call of open) {
          if (!left.has(call.id)) continue;
          aborts.get(call.id)?.();
          back(unmade(call, text, INTERRUPTED));
        }
      },
      abort: () => {
        for (const id of left) aborts.get(id)?.();
      },
    };
    for (const call of open) {
      effects.point('tool.before');
      aborts.set(call.id, effects.runTool(state, call, back));
    }
  }

  /** What the next call may cost, at every budget it could reach. */
  reserve(state: SessionState): void {
    const { tokens, cost_usd } = this.owner.policy.estimate(state);
    const abort = this.owner.effects.reserve(state, (refused) => {
      if (this.stopped) return;
      this.done(refused === null ? { kind: 'reserved', tokens, cost_usd } : { kind: 'refused', error: refused });
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
