// SPDX-License-Identifier: Apache-2.0
// A whole turn with the offline model and the real tools, without lanes or stores: prepare, call, run tools, repeat.

import { prepare } from '../../src/agent/prepare.ts';
import { builtInTools } from '../../src/agent/tools/catalogue.ts';
import type { KeptIn, Known, MemoryHit, MemoryPort, MemorySummary } from '../../src/agent/tools/memory-port.ts';
import { createToolRegistry } from '../../src/agent/tools/registry.ts';
import { runToolCall, type ToolResult, type ToolRun } from '../../src/agent/tools/run.ts';
import { createArgumentChecks } from '../../src/agent/tools/validate.ts';
import type { TurnMessage } from '../../src/agent/turn-message.ts';
import { OFFLINE_MODEL } from '../../src/providers/sigil/model.ts';
import { createSigilProvider } from '../../src/providers/sigil.ts';
import type { ToolCall } from '../../src/stores/records.ts';

/** 2025-01-02T03:04:05.678Z, a Thursday. */
export const NOW = 1_735_787_045_678;

/** Messages and facts in memory, searched about as the views do: all words or any, case folded, newest first. */
export function createHistory(keptIn: KeptIn = 'history', summaries: readonly MemorySummary[] = []) {
  const rows: MemoryHit[] = [];
  const facts: Known[] = [];
  const wordsIn = (text: string): readonly string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const holds = (text: string, words: readonly string[], match: 'all' | 'any'): boolean => {
    const said = new Set(wordsIn(text));
    return match === 'all' ? words.every((word) => said.has(word)) : words.some((word) => said.has(word));
  };
  const factText = (fact: Known): string =>
    fact.kind === 'fact' ? `${fact.subject} ${fact.predicate} ${fact.value}` : fact.name;
  const port: MemoryPort = {
    search: async (text, match, limit) =>
      rows
        .filter(({ content }) => holds(content, wordsIn(text), match))
        .toReversed()
        .slice(0, limit),
    known: async (text, limit) =>
      facts
        .filter((fact) => holds(factText(fact), wordsIn(text), 'all'))
        .toReversed()
        .slice(0, limit),
    recall: async (topic, limit) => ({
      known: await port.known(topic, limit),
      messages: await port.search(topic, 'any', limit),
      summaries: summaries.filter(({ content }) => holds(content, wordsIn(topic), 'any')),
      similar: (await port.similar(topic, limit)).items,
    }),
    similar: async (text, k) => ({
      items: rows
        .filter(({ content }) => holds(content, wordsIn(text), 'any'))
        .slice(0, k)
        .map(({ turn_id, role, content, created_at }) => {
          return { source: 'message', role, turn_id, text: content, score: 0.5, created_at };
        }),
      unavailable: null,
    }),
    forget: async ({ subject }) => {
      const gone = facts.filter((fact) => fact.kind === 'fact' && fact.subject === subject);
      for (const fact of gone) facts.splice(facts.indexOf(fact), 1);
      return gone.flatMap((fact) => (fact.kind === 'fact' ? [fact] : []));
    },
    sessions: async () => [],
    summaries: async (from, to, limit) =>
      summaries
        .filter((summary) => Date.parse(summary.from) >= from && Date.parse(summary.to) <= to)
        .toReversed()
        .slice(0, limit),
    remember: async (statement) => {
      if (keptIn === 'facts') facts.push({ kind: 'fact', ...statement, created_at: '2025-01-02T03:04:05.678Z' });
      return keptIn;
    },
  };
  const add = (turn_id: string, { role, content }: TurnMessage): void => {
    rows.push({ turn_id, role, content, created_at: '2025-01-02T03:04:05.678Z' });
  };
  return { port, add };
}

export type History = ReturnType<typeof createHistory>;

const tools = createToolRegistry(builtInTools());
const checks = createArgumentChecks();
const provider = createSigilProvider({ pause: async () => undefined });

/** What a tool call runs in, in a world whose time stands still. */
export function toolRun(memory: MemoryPort, turn_id = 'turn', more: Partial<ToolRun> = {}): ToolRun {
  const context = { session_id: 'session', workspace_id: 'home', user_id: 'ana', turn_id, memory };
  const world = { now: () => NOW, monotonic: () => 0, after: () => () => undefined };
  return { tools, checks, world, context, timeout_ms: 1000, ...more };
}

export function run(call: ToolCall, given: ToolRun): Promise<ToolResult> {
  return new Promise((resolve) => runToolCall(call, given, resolve));
}

/** Says something to the offline model; gives its answer and the tools it called, and adds everything to the history. */
export async function turn(
  history: History,
  id: string,
  content: string,
): Promise<{ answer: string; called: readonly string[] }> {
  const so_far: TurnMessage[] = [];
  const called: string[] = [];
  history.add(id, { role: 'user', content });
  for (let calls = 1; calls <= 5; calls += 1) {
    const prepared = prepare({
      persona: '',
      channel: { markdown: false },
      window: [],
      active_window: 20,
      messages: [content],
      turn: so_far,
      tools: tools.offer(),
      model: { id: OFFLINE_MODEL.id, ...OFFLINE_MODEL.capabilities },
      options: {},
    });
    if (!prepared.ok) throw new Error(prepared.failure.message);
    let text = '';
    const asked: ToolCall[] = [];
    for await (const batch of provider.chat(prepared.request, { signal: new AbortController().signal }))
      for (const event of batch) {
        if (event.type === 'text_delta') text += event.text;
        if (event.type === 'tool_call') asked.push({ id: event.id, name: event.name, arguments: event.arguments });
        if (event.type === 'error') throw new Error(event.error.message);
      }
    const reply: TurnMessage = { role: 'assistant', content: text, ...(asked.length > 0 && { tool_calls: asked }) };
    so_far.push(reply);
    history.add(id, reply);
    if (asked.length === 0) return { answer: text, called };
    for (const result of await Promise.all(asked.map((call) => run(call, toolRun(history.port, id))))) {
      called.push(result.name);
      const message: TurnMessage = {
        role: 'tool',
        content: result.content,
        tool_call_id: result.call_id,
        tool_name: result.name,
      };
      so_far.push(message);
      history.add(id, message);
    }
  }
  throw new Error('the model never stopped calling tools');
}
