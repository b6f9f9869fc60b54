// SPDX-License-Identifier: Apache-2.0
// What a budget's actor answers to: reserve before a call, settle after it.

export interface BudgetSpan {
  readonly tokens: number;
  readonly cost_usd: number;
}

export type BudgetProtocol = {
  /** Reserves the most a call may cost. `budget_exceeded` names the limit, what is used and when it resets. */
  readonly 'budget.reserve': {
    readonly body: {
      readonly turn_id: string;
      readonly call: number;
      readonly tokens: number;
      readonly cost_usd: number;
    };
    readonly reply: { readonly reservation: string };
  };
  /** What the call really used; the reservation is over. Repeating it changes nothing. */
  readonly 'budget.settle': {
    readonly body: { readonly reservation: string; readonly tokens: number; readonly cost_usd: number };
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
