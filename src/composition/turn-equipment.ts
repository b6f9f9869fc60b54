// SPDX-License-Identifier: Apache-2.0
// What a turn's model is given besides what was said: its tools and what is said of skills. What is reserved for counts the same.

import { toolSize } from '../agent/estimate.ts';
import type { ToolRegistry } from '../agent/tools/registry.ts';
import type { Tool } from '../agent/tools/tool.ts';
import type { ChatTool } from '../providers/provider.ts';
import type { SessionState } from '../stores/fold.ts';
import type { ModelSize } from './lane-policy.ts';
import type { SkillsHere } from './skills/here.ts';
import { SKILL_TOOL, skillsText, turnSkills } from './skills/turn-skills.ts';

export interface TurnEquipment {
  readonly tools: readonly ChatTool[];
  /** The prompt's part about skills; empty where there are none. */
  readonly skills: string;
}

export interface EquipmentOptions {
  readonly skills: SkillsHere;
  readonly tools: () => ToolRegistry;
  /** Messages of a session that its model sees. */
  readonly window: number;
  readonly sizeOf: (model: string) => ModelSize;
  /** Whether everybody whose messages the turn answers may use the tool. */
  readonly permitted: (state: SessionState, tool: Tool) => boolean;
}

export function turnEquipment(options: EquipmentOptions): (state: SessionState) => TurnEquipment {
  const { skills: here, tools, window, sizeOf, permitted } = options;
  return (state) => {
    const registry = tools();
    const skills = turnSkills(here, state, window);
    const reader = registry.get(SKILL_TOOL);
    const readable = skills !== undefined && reader !== undefined && permitted(state, reader);
    return {
      tools: registry.offer((tool) => (tool.name === SKILL_TOOL ? readable : permitted(state, tool))),
      skills: skillsText(skills, sizeOf(state.turn?.model ?? '').maxContextTokens, readable),
    };
  };
}

/** The characters it puts before a model. */
export function equipmentSize({ tools, skills }: TurnEquipment): number {
  let size = skills.length;
  for (const tool of tools) size += toolSize(tool);
  return size;
}
