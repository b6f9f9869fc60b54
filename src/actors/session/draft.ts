// SPDX-License-Identifier: Apache-2.0
// A decision while it is made: the records so far, and the state they lead to.

import { evolve } from '../../stores/fold.ts';
import type { SessionRecord } from '../../stores/records.ts';
import type { SessionState } from '../../stores/session-state.ts';
import type { LanePolicy } from './policy.ts';

/** What a decision may use besides the state: the time, new ids, and the policy of its turn. */
export interface Deciding {
  readonly now: number;
  readonly uuid: () => string;
  readonly policy: LanePolicy;
  /** The policy in force, by which the next turn begins; the same when not given. */
  readonly begins?: LanePolicy;
}

export interface Decision {
  readonly records: readonly SessionRecord[];
  /** The state after the records. */
  readonly state: SessionState;
}

/** Records of one decision, with the state they lead to, so that one decision can build on another. */
export class Draft {
  readonly records: SessionRecord[] = [];
  state: SessionState;
  private readonly deciding: Deciding;
  constructor(state: SessionState, deciding: Deciding) {
    this.state = state;
    this.deciding = deciding;
  }
  add(record: SessionRecord): void {
    this.records.push(record);
    this.state = evolve(this.state, record, this.deciding.now, this.deciding.policy.window);
  }
}

export const decided = (draft: Draft): Decision => ({ records: draft.records, state: draft.state });
