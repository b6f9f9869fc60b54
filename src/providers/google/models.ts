// SPDX-License-Identifier: Apache-2.0
// Gemini models: the built-in table, and how each is told to think or not to.

import type { ThinkingConfig, ThinkingLevel } from '@google/genai';
import type { KnownModel } from '../model-list.ts';

/** Tokens, as the vendor's model pages have them (November 2026). */
const CONTEXT = 1_048_576;
const OUTPUT = 65_536;

const TABLE = [
  ['gemini-3.8-flash', 'Gemini 3.8 Flash'],
  ['gemini-3.7-flash', 'Gemini 3.7 Flash'],
  ['gemini-3.6-flash', 'Gemini 3.6 Flash'],
  ['gemini-3.5-flash', 'Gemini 3.5 Flash'],
  ['gemini-3.5-flash-lite', 'Gemini 3.5 Flash-Lite'],
  ['gemini-3.1-pro-preview', 'Gemini 3.1 Pro (preview)'],
  ['gemini-pro-latest', 'Gemini Pro (latest)'],
  ['gemini-flash-latest', 'Gemini Flash (latest)'],
  ['gemini-2.5-pro', 'Gemini 2.5 Pro'],
  ['gemini-2.5-flash', 'Gemini 2.5 Flash'],
  ['gemini-2.5-flash-lite', 'Gemini 2.5 Flash-Lite'],
] as const satisfies readonly (readonly [id: string, name: string])[];

export const GEMINI_MODELS: readonly KnownModel[] = TABLE.map(([id, name]) => ({
  id,
  name,
  capabilities: {
    tools: true,
    vision: true,
    streaming: true,
    thinking: true,
    maxContextTokens: CONTEXT,
    maxOutputTokens: OUTPUT,
  },
}));

/** The generation of a model: 3 for `gemini-3.8-flash` and for what is the latest, 2.5, 2 …; undefined for another name. */
function generation(id: string): number | undefined {
  if (/^gemini-(?:pro|flash|flash-lite)-latest$/.test(id)) return 3;
  const match = /^gemini-(\d+(?:\.\d+)?)-/.exec(id);
  return match === null ? undefined : Number(match[1]);
}

/** Whether a model refuses a call in its history that comes without the signature it was made with. */
export function wantsSignatures(id: string): boolean {
  return (generation(id) ?? 0) >= 3;
}

/** The SDK's enum is a value of the SDK, which is loaded later. */
function level(name: 'MINIMAL' | 'LOW'): { thinkingLevel: ThinkingLevel } {
  return { thinkingLevel: name as ThinkingLevel };
}

/**
 * What is said about thinking; undefined where nothing was asked for or the model knows of none. A model that cannot be
 * told not to think is told to think as little as it can (https://ai.google.dev/gemini-api/docs/thinking).
 */
export function thinkingConfig(id: string, wanted: boolean | undefined): ThinkingConfig | undefined {
  const version = generation(id) ?? 0;
  if (wanted === undefined || version < 2.5) return undefined;
  if (wanted) return { includeThoughts: true };
  const pro = id.includes('-pro');
  if (version >= 3) return level(pro ? 'LOW' : 'MINIMAL');
  return { thinkingBudget: pro ? 128 : 0 };
}
