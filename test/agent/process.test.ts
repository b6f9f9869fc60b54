// SPDX-License-Identifier: Apache-2.0
// What is done with each tool call of a reply, in the order its questions are asked.

import { describe, expect, it } from 'vitest';
import { approvalOf, type CallRules, judgeCall, processCalls } from '../../src/agent/process.ts';
import type { Tool } from '../../src/agent/tools/tool.ts';

const tool = (more: Partial<Tool> = {}): Tool => ({
  name: 'probe',
  description: '',
  inputSchema: { type: 'object' },
  capabilities: [],
  timeoutMs: 1,
  idempotent: true,
  serial: false,
  execute: () => Promise.reject(new Error('nothing runs here')),
  ...more,
});
const call = (given = '{}', name = 'probe') => ({ id: `call-${given}`, name, arguments: given });
const rules = (more: Partial<CallRules> = {}): CallRules => ({
  tool: (name) => (name === 'probe' ? tool() : undefined),
  absent: () => undefined,
  permit: () => ({ allowed: true }),
  ...more,
});

describe('a call', () => {
  it('is asked whether its tool exists, whether it is allowed, and what its arguments are, in this order', () => {
    const forbidden = rules({ permit: () => ({ allowed: false, reason: 'not here' }) });
    expect(judgeCall(call('nonsense', 'nothing'), forbidden)).toMatchObject({
      code: 'tool_failed',
      message: expect.stringMatching(/no tool/),
    });
    expect(judgeCall(call('nonsense'), forbidden)).toMatchObject({ code: 'tool_denied', message: 'not here' });
    expect(judgeCall(call('nonsense'), rules())).toMatchObject({
      code: 'tool_failed',
      message: expect.stringMatching(/not a JSON object/),
    });
    expect(judgeCall(call('{"a":1}'), rules())).toMatchObject({ ok: true, args: { a: 1 } });
    expect(judgeCall(call(''), rules())).toMatchObject({ ok: true, args: {} });
  });

  it('is not allowed when nobody can say whether it is', () => {
    const broken = rules({
      permit: () => {
        throw new Error('the table is gone');
      },
    });
    expect(judgeCall(call(), broken)).toMatchObject({
      code: 'tool_denied',
      message: expect.stringMatching(/the table is gone/),
    });
  });

  it('waits for a person as its tool says, and when that cannot be said', () => {
    expect(approvalOf(tool(), {})).toBeNull();
    expect(approvalOf(tool({ approval: 'never' }), {})).toBeNull();
    expect(approvalOf(tool({ approval: 'ask' }), {})).toBe('');
    const large = tool({ approval: ({ n }) => (Number(n) > 9 ? `${n} is a lot` : null) });
    expect([approvalOf(large, { n: 3 }), approvalOf(large, { n: 12 })]).toEqual([null, '12 is a lot']);
    const broken = tool({
      approval: () => {
        throw new Error('no idea');
      },
    });
    expect(approvalOf(broken, {})).toMatch(/could not be decided: no idea/);
  });
});

describe('the calls of a reply', () => {
  const calls = [call('1'), call('2'), call('3')];
  const steps = (left: number, asks: (id: string) => string | null = () => null): readonly string[] =>
    processCalls(calls, { left, asks: ({ id }) => asks(id) }).map((step) => step.do);

  it('run as far as there is a budget; nobody is asked about the others', () => {
    expect(steps(9)).toEqual(['run', 'run', 'run']);
    expect(steps(2)).toEqual(['run', 'run', 'refuse']);
    expect(steps(1, () => 'why')).toEqual(['ask', 'refuse', 'refuse']);
    expect(steps(-3)).toEqual(['refuse', 'refuse', 'refuse']);
  });

  it('are asked for one by one', () => {
    expect(steps(9, (id) => (id === 'call-2' ? '' : null))).toEqual(['run', 'ask', 'run']);
  });
});
