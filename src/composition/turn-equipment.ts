// SPDX-License-Identifier: Apache-2.0
// What a turn's model is given besides what was said: its tools and what is said of skills. What is reserved for counts the same.

import { sendersOf } from '../actors/session/senders.ts';
import { toolSize } from '../agent/estimate.ts';
import type { ToolRegistry } from '../agent/tools/registry.ts';
import type { Tool } from '../agent/tools/tool.ts';
import type { ChatTool } from '../providers/provider.ts';
import type { SessionState } from '../stores/session-state.ts';
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
  /** Who there is and what they are: another value whenever that changes. */
  readonly people: () => object;
  /** Messages of a session that its model sees. */
  readonly window: number;
  readonly sizeOf: (model: string) => ModelSize;
  /** Whether everybody whose messages the turn answers may use the tool. */
  readonly permitted: (state: SessionState, tool: Tool) => boolean;
}

/** Combinations of people and workspaces whose tools are remembered; then it begins anew. */
const KNOWN_MOST = 4_096;

export function turnEquipment(options: EquipmentOptions): (state: SessionState) => TurnEquipment {
  const { skills: here, tools, people, window, sizeOf, permitted } = options;
  /** Of those without skills, nearly all: what they have depends on who asks where, and is asked for with every call. */
  const known = new Map<string, TurnEquipment>();
  let of: { readonly registry: ToolRegistry; readonly people: object } | null = null;

  const plain = (state: SessionState, registry: ToolRegistry): TurnEquipment => {
    const now = people();
    if (of?.registry !== registry || of.people !== now || known.size > KNOWN_MOST) {
      known.clear();
      of = { registry, people: now };
    }
    const key = `${state.facts?.workspace_id ?? ''}\n${sendersOf(state.turn).join('\n')}`;
    let equipment = known.get(key);
    if (equipment === undefined) {
      equipment = { tools: registry.offer((tool) => tool.name !== SKILL_TOOL && permitted(state, tool)), skills: '' };
      known.set(key, equipment);
    }
    return equipment;
  };

  return (state) => {
    const registry = tools();
    const skills = turnSkills(here, state, window);
    if (skills === undefined) return plain(state, registry);
    const reader = registry.get(SKILL_TOOL);
    const readable = reader !== undefined && permitted(state, reader);
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
