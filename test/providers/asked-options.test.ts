// SPDX-License-Identifier: Apache-2.0
// What whoever asks a model may ask for besides words, as each vendor is told it; and what is said where a vendor cannot be.

import { describe, expect, it } from 'vitest';
import { CLAUDE_NAMES, claudeBody } from '../../src/providers/anthropic/request.ts';
import { cannotCarry } from '../../src/providers/carries.ts';
import { GEMINI_NAMES, geminiParameters } from '../../src/providers/google/request.ts';
import { chatBody } from '../../src/providers/openai/chat-completions.ts';
import { OPENAI_NAMES } from '../../src/providers/openai/provider.ts';
import { responsesBody } from '../../src/providers/openai/responses.ts';
import type { ChatOptions, ChatRequest } from '../../src/providers/provider.ts';
import { toolNames } from '../../src/providers/tool-names.ts';

const schema = { type: 'object', properties: { answer: { type: 'number' } } };
const TOOL = { name: 'a.tool', description: 'does it', inputSchema: { type: 'object' } };
const request = (options: ChatOptions, model = 'm'): ChatRequest => ({
  ...{ model, systemPrompt: '', tools: [TOOL], options },
  messages: [{ role: 'user', content: 'hi', origin: 'user_input' }],
});
const ALL: ChatOptions = {
  ...{ topP: 0.5, seed: 7, toolChoice: { name: 'a.tool' }, parallelToolCalls: false },
  responseFormat: { type: 'json_schema', name: 'reply', schema, strict: true },
};

describe('a request that asks for all there is', () => {
  it('is told in chat completions', () => {
    const body = chatBody(request(ALL), { maxTokens: 'max_tokens' }, toolNames([TOOL.name], OPENAI_NAMES));
    expect(body).toMatchObject({
      ...{ top_p: 0.5, seed: 7, parallel_tool_calls: false },
      tool_choice: { type: 'function', function: { name: 'a_tool' } },
      response_format: { type: 'json_schema', json_schema: { name: 'reply', schema, strict: true } },
    });
  });

  it('is told in responses', () => {
    const body = responsesBody(request(ALL), toolNames([TOOL.name], OPENAI_NAMES));
    expect(body).toMatchObject({
      ...{ top_p: 0.5, parallel_tool_calls: false, tool_choice: { type: 'function', name: 'a_tool' } },
      text: { format: { type: 'json_schema', name: 'reply', schema, strict: true } },
    });
  });

  it('is told to Claude, who takes one of temperature and top_p', () => {
    const context = { names: toolNames([TOOL.name], CLAUDE_NAMES), kept: () => undefined };
    const body = claudeBody(request(ALL, 'claude-sonnet-4-5'), context);
    expect(body).toMatchObject({
      top_p: 0.5,
      tool_choice: { type: 'tool', name: 'a_tool', disable_parallel_tool_use: true },
      output_config: { format: { type: 'json_schema', schema } },
    });
    const both = claudeBody(request({ ...ALL, temperature: 0 }, 'claude-sonnet-4-5'), context);
    expect(both).toMatchObject({ temperature: 0 });
    expect(both).not.toHaveProperty('top_p');
    const one = (options: ChatOptions) => claudeBody(request(options, 'claude-sonnet-4-5'), context).tool_choice;
    expect(one({ toolChoice: 'required' })).toEqual({ type: 'any' });
    expect(one({ toolChoice: 'none' })).toEqual({ type: 'none' });
    expect(one({})).toBe(undefined);
    // Thinking goes with a free choice only.
    expect(one({ toolChoice: 'required', thinking: true })).toBe(undefined);
  });

  it('is told to Gemini', () => {
    const context = { names: toolNames([TOOL.name], GEMINI_NAMES), kept: () => undefined };
    expect(geminiParameters(request(ALL), context).config).toMatchObject({
      ...{ topP: 0.5, seed: 7, responseMimeType: 'application/json', responseJsonSchema: schema },
      toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['a.tool'] } },
    });
  });
});

it('where nothing is asked for nothing is sent', () => {
  const names = toolNames([TOOL.name], OPENAI_NAMES);
  const keys = ['top_p', 'seed', 'tool_choice', 'parallel_tool_calls', 'response_format', 'text', 'output_config'];
  const plain = request({});
  const bodies = [chatBody(plain, { maxTokens: 'max_tokens' }, names), responsesBody(plain, names)];
  for (const body of bodies) for (const key of keys) expect(body).not.toHaveProperty(key);
});

it('says what a provider cannot do', () => {
  const json = request({ responseFormat: { type: 'json_object' } });
  expect(cannotCarry('anthropic', json)).toContain('json_schema');
  expect(cannotCarry('sigil', json)).toContain('response_format');
  expect(cannotCarry('openai', json)).toBe(undefined);
  expect(cannotCarry('anthropic', request(ALL))).toBe(undefined);
});
