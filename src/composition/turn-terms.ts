// SPDX-License-Identifier: Apache-2.0
// What the turns of a lane's thread are made with: one that runs keeps what it began with, the next one has what is set now.

import type { LanePolicy } from '../actors/session/policy.ts';
import { sendersOf } from '../actors/session/senders.ts';
import { createToolRegistry, type ToolRegistry } from '../agent/tools/registry.ts';
import type { Tool } from '../agent/tools/tool.ts';
import type { ArgumentChecks } from '../agent/tools/validate.ts';
import type { Config } from '../config/schema.ts';
import type { Decision } from '../security/enforcer.ts';
import { createToolAccess, type ToolAccess } from '../security/tool-access.ts';
import type { SessionState } from '../stores/session-state.ts';
import { rulesOf } from './config-scopes.ts';
import type { ThreadContext } from './context.ts';
import { lanePolicy, type ModelSize } from './lane-policy.ts';
import type { McpTools } from './mcp-tools.ts';
import type { ModelPrices } from './model-prices.ts';
import type { Scanner, ScannerSettings } from './scanner.ts';
import { toolApproval } from './tool-approval.ts';
import { equipmentSize, type TurnEquipment, turnEquipment } from './turn-equipment.ts';

/** Whether somebody of those whose messages a turn answers may not use a tool there. */
export type Permit = (state: SessionState, tool: Tool) => Decision;

export interface Terms {
  readonly config: Config;
  /** Replaced whole when the tools of MCP servers come or go, as is what is made of it. */
  readonly tools: ToolRegistry;
  readonly policy: LanePolicy;
  readonly access: ToolAccess;
  readonly scanner: Scanner;
  readonly permit: Permit;
  readonly equip: (state: SessionState) => TurnEquipment;
}

export interface TurnTermsOptions {
  readonly context: Pick<ThreadContext, 'directory' | 'skills'>;
  readonly checks: ArgumentChecks;
  readonly prices: ModelPrices;
  readonly sizeOf: (model: string) => ModelSize;
  readonly mcp: Pick<McpTools, 'tools' | 'absent'>;
  readonly scanner: (settings: ScannerSettings) => Scanner;
}

interface Made {
  readonly terms: Terms;
  readonly renew: () => void;
}

export class TurnTerms {
  readonly #options: TurnTermsOptions;
  #made: Made;
  /** Those of turns that began before they changed: as many as ran then, each until it is over. */
  readonly #former = new Map<string, Made>();

  /** @param own the thread's tools, but for those of MCP servers */
  constructor(options: TurnTermsOptions, config: Config, own: readonly Tool[]) {
    this.#options = options;
    this.#made = makeTerms(options, config, own);
  }

  /** What is in force. */
  get now(): Terms {
    return this.#made.terms;
  }

  /** What a turn goes by; what is in force, for one that begins or is not named. */
  of(turn_id: string | undefined): Terms {
    if (this.#former.size === 0 || turn_id === undefined) return this.now;
    return (this.#former.get(turn_id) ?? this.#made).terms;
  }

  /** @param running the turns that run, and go on as they began */
  replace(config: Config, own: readonly Tool[], running: Iterable<string>): void {
    for (const turn_id of running) if (!this.#former.has(turn_id)) this.#former.set(turn_id, this.#made);
    this.#made = makeTerms(this.#options, config, own);
  }

  /** The tools of MCP servers are others: everybody's are, for what is not there any more cannot be called. */
  renew(): void {
    for (const { renew } of new Set([this.#made, ...this.#former.values()])) renew();
  }

  /** A turn is over. */
  over(turn_id: string): void {
    this.#former.delete(turn_id);
  }
}

function makeTerms(options: TurnTermsOptions, config: Config, own: readonly Tool[]): Made {
  const { context, checks, prices, sizeOf, mcp } = options;
  const { directory, skills } = context;
  const access = createToolAccess(own, rulesOf(config));
  const permit: Permit = ({ turn, facts }, tool) =>
    access.decide(directory.table, sendersOf(turn), facts?.workspace_id ?? '', tool);
  const registry = (): ToolRegistry => createToolRegistry([...own, ...mcp.tools()], mcp.absent);
  let tools = registry();
  const equip = turnEquipment({
    skills,
    tools: () => tools,
    people: () => directory.table,
    window: config.sessions.memory.active_window,
    sizeOf,
    permitted: (state, tool) => permit(state, tool).allowed,
  });
  const policyNow = (): LanePolicy =>
    lanePolicy(
      ...([config, tools, prices] as const),
      (state) => equipmentSize(equip(state)),
      toolApproval({ tools, checks, permit }),
      () => directory.table.paused,
    );
  let policy = policyNow();
  const terms: Terms = {
    ...{ config, access, permit, equip },
    scanner: options.scanner(config.security.scanner),
    get tools() {
      return tools;
    },
    get policy() {
      return policy;
    },
  };
  return {
    terms,
    renew: () => {
      tools = registry();
      policy = policyNow();
    },
  };
}
