// SPDX-License-Identifier: Apache-2.0
// How a lane's turn has a tool run: what that may ask for of sessions, skills and memory, and what is kept out of its result.

import type { LaneEffects } from '../actors/session/effects.ts';
import { runToolCall } from '../agent/tools/run.ts';
import { address } from '../bus/address.ts';
import { createReadStore, type SeqTracker } from '../stores/remote/read-store.ts';
import { createWorkspaceWriter } from '../stores/remote/workspace-writer.ts';
import { createKnowledgeStore } from '../stores/workspace-knowledge.ts';
import type { ThreadContext } from './context.ts';
import type { LaneAdapters } from './lane-adapters.ts';
import { memoryTools } from './memory-tools.ts';
import { nearestTexts } from './nearest.ts';
import { SEND_TOOL, sessionsPort } from './session-port.ts';
import { SKILL_TOOL, skillsPort, turnSkills } from './skills/turn-skills.ts';
import type { TurnTerms } from './turn-terms.ts';

/** How long a tool waits for what it changes to be durable, in milliseconds. */
const WRITE_WITHIN = 15_000;

/** What tools are run with. */
export interface ToolParts {
  readonly context: ThreadContext;
  readonly adapters: Pick<LaneAdapters, 'checks'>;
  readonly terms: Pick<TurnTerms, 'of'>;
}

/** Runs one call of a tool; what comes back is scanned and without secrets, for it is journaled as it is. */
export function toolRuns({ context, adapters, terms }: ToolParts): LaneEffects['runTool'] {
  const { checks } = adapters;
  const { bus, world, house } = context;
  const { redactor } = context.secrets;
  const from = address('thread', context.name);
  const seen: SeqTracker = { note: () => undefined, began: () => undefined, barrier: () => 'latest' };
  const store = createReadStore({ bus, from, seen });
  const writer = createWorkspaceWriter({ bus, from, seen, within: WRITE_WITHIN });
  const nearest = nearestTexts(bus, from, house.config);
  const knowledge = createKnowledgeStore({ writer, read: store });
  return (state, call, done) => {
    const { turn, facts } = state;
    const { config, tools, policy, permit, scanner } = terms.of(turn?.turn_id);
    const controller = new AbortController();
    const workspace_id = facts?.workspace_id ?? '';
    const user_id = turn?.message.user_id ?? '';
    runToolCall(
      call,
      {
        tools,
        checks,
        world,
        timeout_ms: config.sessions.tool_timeout,
        signal: controller.signal,
        permit: (tool) => permit(state, tool),
        approved: turn?.tools.find((tool) => tool.call.id === call.id)?.approval?.decision === 'approve',
        context: {
          session_id: facts?.session_id ?? '',
          workspace_id,
          user_id,
          turn_id: turn?.turn_id ?? '',
          sessions: call.name === SEND_TOOL ? sessionsPort(context, state, call.id, WRITE_WITHIN) : undefined,
          skills:
            call.name === SKILL_TOOL
              ? skillsPort(turnSkills(context.skills, state, policy.window), house.data_dir)
              : undefined,
          memory: memoryTools({
            ...{ read: store, writer, knowledge, nearest, workspace_id, user_id },
            turn_id: turn?.turn_id ?? '',
            keepsFacts: config.sessions.memory.knowledge.enabled,
          }),
        },
      },
      // Before it is journaled: what a tool has seen of a secret stays out of the record and of all that is made from it.
      ({ call_id: _, name, content, is_error, ...rest }) =>
        scanner.result(redactor.text(content), is_error, name, (result) => done({ call, ...rest, ...result })),
    );
    return () => controller.abort();
  };
}
