// SPDX-License-Identifier: Apache-2.0
// What turns go by when the configuration changes: those that run by what they began with, the next by what is set now.

import { expect, it } from 'vitest';
import { builtInTools } from '../../src/agent/tools/catalogue.ts';
import type { Tool } from '../../src/agent/tools/tool.ts';
import { createArgumentChecks } from '../../src/agent/tools/validate.ts';
import { modelPrices } from '../../src/composition/model-prices.ts';
import { createSkillsHere } from '../../src/composition/skills/here.ts';
import { TurnTerms } from '../../src/composition/turn-terms.ts';
import { type Config, ConfigSchema } from '../../src/config/schema.ts';
import { EMPTY_TABLE } from '../../src/stores/directory-table.ts';

const config = (of: object): Config => ConfigSchema.parse(of) as Config;
const few = config({ sessions: { max_tool_iterations: 3 }, agent: { persona: 'before' } });
const many = config({ sessions: { max_tool_iterations: 9 }, security: { scanner: { output: 'block' } } });

function stage() {
  let tools: readonly Tool[] = [];
  const terms = new TurnTerms(
    {
      context: { directory: { table: EMPTY_TABLE } as never, skills: createSkillsHere() },
      checks: createArgumentChecks(),
      prices: modelPrices(few),
      sizeOf: () => ({ maxContextTokens: 1, maxOutputTokens: 1, vision: false }),
      mcp: { tools: () => tools, absent: () => undefined },
      scanner: ({ output }) => ({ replies: { mode: output } }) as never,
    },
    few,
    builtInTools(),
  );
  return {
    terms,
    brings: (...given: readonly Tool[]) => {
      tools = given;
      terms.renew();
    },
  };
}

it('a turn that runs keeps what it began with until it is over, and the next has what is set now', () => {
  const { terms } = stage();
  terms.replace(many, builtInTools(), ['running']);
  expect(terms.of('running').policy.max_tool_iterations).toBe(3);
  expect(terms.of('running').config.agent.persona).toBe('before');
  expect(terms.of('running').scanner.replies.mode).toBe('redact');
  for (const next of [terms.now, terms.of(undefined), terms.of('next')]) {
    expect(next.policy.max_tool_iterations).toBe(9);
    expect(next.scanner.replies.mode).toBe('block');
  }
  // Changed once more it is still the first that counts.
  terms.replace(few, builtInTools(), ['running', 'next']);
  expect(terms.of('running').config).toBe(few);
  expect(terms.of('next').config).toBe(many);
  terms.over('running');
  terms.over('next');
  expect(terms.of('running')).toBe(terms.now);
});

it('tools that come and go with their server do so for turns that run as well', () => {
  const { terms, brings } = stage();
  terms.replace(many, builtInTools(), ['running']);
  const [clock] = builtInTools();
  if (clock === undefined) throw new Error('there are tools');
  brings({ ...clock, name: 'mcp.box.add' });
  expect(terms.of('running').tools.get('mcp.box.add')).toBeDefined();
  expect(terms.now.tools.get('mcp.box.add')).toBeDefined();
  brings();
  expect(terms.of('running').tools.get('mcp.box.add')).toBeUndefined();
});

it('a tool that is switched on is there from the next turn on', () => {
  const { terms } = stage();
  const [clock] = builtInTools();
  if (clock === undefined) throw new Error('there are tools');
  terms.replace(many, [...builtInTools(), { ...clock, name: 'web_fetch' }], ['running']);
  expect(terms.of('running').tools.get('web_fetch')).toBeUndefined();
  expect(terms.of('next').tools.get('web_fetch')).toBeDefined();
});
