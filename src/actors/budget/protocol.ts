// SPDX-License-Identifier: Apache-2.0
// What a budget's actor answers to: reserve before a call, settle after it.

export interface BudgetSpan {
  readonly tokens: number;
  readonly cost_usd: number;
}

export type BudgetProtocol = {
  /**
   * Reserves the most a call may cost, under the turn and the call: repeating it changes nothing. `budget_exceeded` names
   * the limit, what is used and when it resets. It stands until it is settled: a turn that is interrupted settles when it
   * goes on, and what nobody tells of is found in the record.
   */
  readonly 'budget.reserve': {
    readonly body: {
      readonly turn_id: string;
      readonly call: number;
      readonly tokens: number;
      readonly cost_usd: number;
    };
    readonly reply: { readonly reservation: string };
  };
  /** Says to a budget that has begun anew what its last life had granted and is not settled. */
  readonly 'budget.hold': {
    readonly body: {
      readonly turn_id: string;
      readonly call: number;
      readonly tokens: number;
      readonly cost_usd: number;
    };
    readonly reply: undefined;
  };
  /**
   * What the call used, told when the row that says so is durable; `seq` is that row's, 0 when the call was not made. The
   * reservation is over, also one that its holder never heard of. What the budget has read from the record is not counted
   * again.
   */
  readonly 'budget.settle': {
    readonly body: {
      readonly reservation: string;
      readonly tokens: number;
      readonly cost_usd: number;
      readonly seq: number;
    };
    readonly reply: undefined;
  };
  readonly 'budget.status': { readonly body: Record<string, never>; readonly reply: BudgetStatus };
};

export interface BudgetStatus {
  readonly scope: string;
  readonly state: string;
  readonly limits: { readonly hour: BudgetSpan; readonly day: BudgetSpan };
  readonly used: { readonly hour: BudgetSpan; readonly day: BudgetSpan };
  readonly reserved: BudgetSpan;
}

/** The name of a reservation: there is one for each call of a turn. */
export function reservationOf(turn_id: string, call: number): string {
  return `${turn_id}:${call}`;
}
