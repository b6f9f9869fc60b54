// SPDX-License-Identifier: Apache-2.0
// Claude models: the built-in table, and what follows from a model's id about thinking and sampling.

import type { KnownModel } from '../model-list.ts';

/** How a model is told to think: it decides how much, it is given a budget, or it cannot. */
export type ThinkingMode = 'adaptive' | 'budget' | 'none';

export interface ClaudeTraits {
  readonly thinking: ThinkingMode;
  /** What turns off thinking that is on without being asked for; undefined where it is off anyway or cannot be turned off. */
  readonly quiet: 'disabled' | 'between_tools' | undefined;
  /** Whether it takes a temperature; newer ones answer 400 to any but the default. */
  readonly sampling: boolean;
}

/** Context and output in thousands of tokens, as the vendor's model pages have them (November 2026). */
const TABLE = [
  ['claude-fable-5-1', 'Claude Fable 5.1', 1000, 128],
  ['claude-opus-5-5', 'Claude Opus 5.5', 1000, 128],
  ['claude-sonnet-5-5', 'Claude Sonnet 5.5', 1000, 128],
  ['claude-haiku-5-5', 'Claude Haiku 5.5', 1000, 128],
  ['claude-opus-5', 'Claude Opus 5', 1000, 128],
  ['claude-sonnet-5', 'Claude Sonnet 5', 1000, 128],
  ['claude-opus-4-8', 'Claude Opus 4.8', 1000, 128],
  ['claude-opus-4-7', 'Claude Opus 4.7', 1000, 128],
  ['claude-opus-4-6', 'Claude Opus 4.6', 1000, 128],
  ['claude-sonnet-4-6', 'Claude Sonnet 4.6', 1000, 128],
  ['claude-opus-4-5', 'Claude Opus 4.5', 200, 64],
  ['claude-sonnet-4-5', 'Claude Sonnet 4.5', 200, 64],
  ['claude-haiku-4-5', 'Claude Haiku 4.5', 200, 64],
] as const satisfies readonly (readonly [id: string, name: string, context: number, output: number])[];

export const CLAUDE_MODELS: readonly KnownModel[] = TABLE.map(([id, name, context, output]) => ({
  id,
  name,
  capabilities: {
    tools: true,
    vision: true,
    streaming: true,
    thinking: true,
    maxContextTokens: context * 1000,
    maxOutputTokens: output * 1000,
  },
}));

/** A pinned snapshot, `claude-opus-4-5-20251101`, is its model. */
function undated(id: string): string {
  return id.replace(/-\d{8}$/, '');
}

/** A model of the table by its id, with or without its date. */
export function claudeModel(id: string): KnownModel | undefined {
  const wanted = undated(id);
  return CLAUDE_MODELS.find((model) => model.id === wanted);
}

/** `claude-opus-4-6` and `claude-3-7-sonnet` as 4.6 and 3.7; undefined for an id of another form. */
function versionOf(id: string): number | undefined {
  const match = /^claude-(?:[a-z]+-)?(\d)(?:-(\d))?(?:-[a-z]+)?$/.exec(undated(id).replace(/-latest$/, ''));
  return match === null ? undefined : Number(`${match[1]}.${match[2] ?? '0'}`);
}

const QUIET = new Map<string, 'disabled' | 'between_tools'>([
  ['claude-opus-5', 'disabled'],
  ['claude-sonnet-5', 'disabled'],
  ['claude-haiku-5-5', 'disabled'],
  ['claude-sonnet-5-5', 'between_tools'],
]);

/**
 * What a request to this model may hold, by its version: thinking with a budget from 3.7, adaptive from 4.6 on, no
 * sampling parameters from 4.7 on (https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting).
 * An id of another form, of an endpoint of one's own, is sent nothing special.
 */
export function claudeTraits(id: string): ClaudeTraits {
  const version = versionOf(id);
  if (version === undefined) return { thinking: 'none', quiet: undefined, sampling: true };
  return {
    thinking: version >= 4.6 ? 'adaptive' : version >= 3.7 ? 'budget' : 'none',
    quiet: QUIET.get(undated(id)),
    sampling: version < 4.7,
  };
}
