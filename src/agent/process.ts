// SPDX-License-Identifier: Apache-2.0
// The fourth stage: what is to be done with each tool call of a reply. It exists, is allowed, fits its schema, has a budget; or not.

import type { ErrorCode } from '../errors.ts';
import type { ToolCall } from '../stores/records.ts';
import type { Tool } from './tools/tool.ts';

/** Whether a call may be made, why, and which rule said so; the enforcer's answer. */
export type Permission =
  | { readonly allowed: true; readonly rule?: string }
  | { readonly allowed: false; readonly reason: string; readonly rule?: string };

type Arguments = Readonly<Record<string, unknown>>;

/** Whether a call can be made at all: its tool and arguments, or the error its model is told. */
export type JudgedCall = (
  | { readonly ok: true; readonly tool: Tool; readonly args: Arguments }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string }
) & {
  /** What the enforcer said, where it was asked. */
  readonly permission?: Permission;
};

/** What calls are judged by. */
export interface CallRules {
  tool(name: string): Tool | undefined;
  /** Why a tool is not there that might be; undefined where nothing is known of it. */
  absent(name: string): string | undefined;
  /** What it throws is a no. */
  permit(tool: Tool, call: ToolCall): Permission;
}

const refused = (code: ErrorCode, message: string, permission?: Permission): JudgedCall => ({
  ...{ ok: false, code, message },
  ...(permission === undefined ? {} : { permission }),
});

/** The first two questions of every call, and whether its arguments are an object at all. */
export function judgeCall(call: ToolCall, rules: CallRules): JudgedCall {
  const tool = rules.tool(call.name);
  if (tool === undefined) {
    const why = rules.absent(call.name) ?? `There is no tool "${call.name.slice(0, 100)}".`;
    return refused('tool_failed', why);
  }
  const permission = permissionOf(rules, tool, call);
  if (!permission.allowed) return refused('tool_denied', permission.reason, permission);
  const args = parsed(call.arguments);
  if (args === undefined) return refused('tool_failed', 'The arguments are not a JSON object.', permission);
  return { ok: true, tool, args, permission };
}

/**
 * Why a person is to be asked before a call runs: the reason they are shown, which may be empty; null where nobody need be.
 * A tool that cannot say whether it asks is one that does.
 */
export function approvalOf({ approval }: Tool, args: Arguments): string | null {
  if (approval === undefined || approval === 'never') return null;
  if (approval === 'ask') return '';
  try {
    return approval(args);
  } catch (thrown) {
    return `Whether it needs approval could not be decided: ${reasonOf(thrown)}`;
  }
}

/** What becomes of a call. */
export type CallStep =
  | { readonly call: ToolCall; readonly do: 'run' }
  /** `reason`: as {@link approvalOf} has it. */
  | { readonly call: ToolCall; readonly do: 'ask'; readonly reason: string }
  | { readonly call: ToolCall; readonly do: 'refuse'; readonly why: string };

/** What a turn lets its calls do. */
export interface CallBudget {
  /** Calls that may still be made: of the turn, and of its session. */
  readonly left: number;
  /** As {@link approvalOf} has it, for a call that could be made; null for one that could not. */
  readonly asks: (call: ToolCall) => string | null;
}

/**
 * The calls of one reply, each with what becomes of it. Nobody is asked about a call there is no budget for, nor about one
 * that could not be made anyway: it runs into its error.
 */
export function processCalls(calls: readonly ToolCall[], { left, asks }: CallBudget): readonly CallStep[] {
  return calls.map((call, nth): CallStep => {
    if (nth >= left) return { call, do: 'refuse', why: OVER_BUDGET };
    const reason = asks(call);
    return reason === null ? { call, do: 'run' } : { call, do: 'ask', reason };
  });
}

const OVER_BUDGET = 'tool_denied: the limit of tool calls is used up. Answer with what is known.';

/** The enforcer's answer; when it breaks, that is a no. */
function permissionOf(rules: CallRules, tool: Tool, call: ToolCall): Permission {
  try {
    return rules.permit(tool, call);
  } catch (thrown) {
    const reason = `Whether it is allowed could not be decided: ${reasonOf(thrown)}`;
    return { allowed: false, reason, rule: 'enforcer.failed' };
  }
}

function parsed(json: string): Arguments | undefined {
  // Models write nothing at all for a tool that takes nothing.
  if (json.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(json);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Arguments) : undefined;
  } catch {
    return undefined;
  }
}

/** What was thrown, in words. Nothing of it can be relied on, not even that it can be read. */
export function reasonOf(thrown: unknown): string {
  try {
    const reason = thrown instanceof Error ? thrown.message : thrown;
    if (typeof reason === 'string' && reason !== '') return reason;
  } catch {
    // Its message is a trap.
  }
  return 'The tool failed without saying why.';
}
