// SPDX-License-Identifier: Apache-2.0
// `npm run test:live`: one question to every vendor whose key is in the environment. It costs a fraction of a cent each.

import { realWorld } from '../../src/composition/real-world.ts';
import type { ChatEvent, Provider } from '../../src/providers/provider.ts';
import { createProvider, defaultModel, KEY_VARIABLES } from '../../src/providers/registry.ts';

const TIMEOUTS = { connect: 10_000, first_event: 120_000, gap: 60_000 };
const clock = {
  name: 'clock',
  description: 'Tells the time.',
  inputSchema: { type: 'object', properties: {}, additionalProperties: false },
};

async function ask(provider: Provider, model: string): Promise<readonly ChatEvent[]> {
  const events: ChatEvent[] = [];
  const messages = [{ role: 'user', content: 'Ask the clock for the time.', origin: 'user_input' }] as const;
  const request = { model, systemPrompt: 'Use your tools.', messages, tools: [clock], options: { maxTokens: 2_000 } };
  for await (const batch of provider.chat(request, { signal: AbortSignal.timeout(180_000) })) events.push(...batch);
  return events;
}

/** What is wrong with an answer; undefined when nothing is. */
function wrong(events: readonly ChatEvent[]): string | undefined {
  const end = events.at(-1);
  if (end?.type === 'error') return `${end.error.code}: ${end.error.message}`;
  if (end?.type !== 'done') return 'the answer has no end';
  const usage = events.find((event) => event.type === 'usage');
  if (usage === undefined || usage.inputTokens + usage.cacheReadTokens === 0 || usage.outputTokens === 0)
    return 'it does not tell what it used';
  return events.some((event) => event.type === 'tool_call' && event.name === clock.name)
    ? undefined
    : 'it did not call the tool';
}

async function live(type: string, variable: string): Promise<string> {
  const key = process.env[variable] ?? '';
  const model = defaultModel(type);
  if (key === '' || model === undefined) return 'skipped: no key';
  const world = { ...realWorld, pause: async () => undefined, resolve: async (written: string) => written };
  const provider = await createProvider(type, { name: type, api_key: key, timeouts: TIMEOUTS }, world);
  try {
    const listed = await provider.listModels();
    const problem = wrong(await ask(provider, model));
    if (problem === undefined) return `ok: ${model}, ${listed.length} models`;
    process.exitCode = 1;
    return `FAILED: ${problem}`;
  } finally {
    await provider.close();
  }
}

for (const [type, variable] of Object.entries(KEY_VARIABLES))
  process.stdout.write(`${type}: ${await live(type, variable)}\n`);
