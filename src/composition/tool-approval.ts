// SPDX-License-Identifier: Apache-2.0
// Whether a person is asked before a tool call runs: what its tool says, for a call that could be made at all.

import type { LanePolicy } from '../actors/session/policy.ts';
import { approvalOf, type CallRules, judgeCall } from '../agent/process.ts';
import type { ToolRegistry } from '../agent/tools/registry.ts';
import type { ArgumentChecks } from '../agent/tools/validate.ts';
import type { SessionState } from '../stores/session-state.ts';

export interface ToolApprovalOptions {
  readonly tools: ToolRegistry;
  readonly checks: ArgumentChecks;
  /** Whether a state's turn may use a tool. */
  readonly permit: (state: SessionState, ...of: Parameters<CallRules['permit']>) => ReturnType<CallRules['permit']>;
}

export function toolApproval({ tools, checks, permit }: ToolApprovalOptions): LanePolicy['approval'] {
  return (state, call) => {
    const tool = tools.get(call.name);
    // Nearly no tool ever asks: nothing is looked at twice for those.
    if (tool?.approval === undefined || tool.approval === 'never') return null;
    const judged = judgeCall(call, {
      tool: () => tool,
      absent: () => undefined,
      permit: (of) => permit(state, of, call),
    });
    if (!judged.ok || checks.checkNow(tool.checkedSchema ?? tool.inputSchema, judged.args) !== undefined) return null;
    return approvalOf(tool, judged.args);
  };
}
