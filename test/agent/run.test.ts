// SPDX-License-Identifier: Apache-2.0
// One tool call: every way it can end, each with exactly one answer.

import { describe, expect, it } from 'vitest';
import { createToolRegistry } from '../../src/agent/tools/registry.ts';
import { RESULT_BYTES, runToolCall, type ToolResult, type ToolRun } from '../../src/agent/tools/run.ts';
import type { Tool, ToolContext, ToolOutcome } from '../../src/agent/tools/tool.ts';
import { createArgumentChecks } from '../../src/agent/tools/validate.ts';
import { createHistory, NOW, run, toolRun } from './offline-turn.ts';

const base: Tool = {
  name: 'probe',
  description: 'A tool for tests.',
  inputSchema: { type: 'object', properties: { n: { type: 'integer', minimum: 1 } }, additionalProperties: false },
  capabilities: [],
  timeoutMs: 500,
  idempotent: true,
  serial: false,
  execute: async () => ({ content: 'fine', is_error: false }),
};

const memory = createHistory().port;

function probe(more: Partial<Tool>, given: Partial<ToolRun> = {}): ToolRun {
  return toolRun(memory, 'turn', { tools: createToolRegistry([{ ...base, ...more }]), ...given });
}

const call = (json = '{}', name = 'probe') => ({ id: 'call-1', name, arguments: json });

describe('a tool call', () => {
  it('answers with what the tool says, and tells the tool where it is', async () => {
    let seen: ToolContext | undefined;
    const result = await run(
      call('{"n":3}'),
      probe({
        execute: async (args, context) => {
          seen = context;
          return { content: `n is ${args['n']}`, is_error: false };
        },
      }),
    );
    expect(result).toEqual({
      call_id: 'call-1',
      name: 'probe',
      content: 'n is 3',
      is_error: false,
      truncated: false,
      took_ms: 0,
    });
    expect(seen).toMatchObject({
      session_id: 'session',
      workspace_id: 'home',
      user_id: 'ana',
      turn_id: 'turn',
      call_id: 'call-1',
    });
    expect(seen?.now()).toBe(NOW);
  });

  it('takes no arguments at all as none', async () => {
    expect(await run(call(''), probe({}))).toMatchObject({ content: 'fine', is_error: false });
  });

  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ['an unknown tool', '{}', /^tool_failed: There is no tool "other"\.$/],
    ['no JSON', '{"n":', /^tool_failed: The arguments are not a JSON object/],
    ['an array', '[]', /^tool_failed: The arguments are not a JSON object/],
    ['null', 'null', /^tool_failed: The arguments are not a JSON object/],
    ['a wrong type', '{"n":"3"}', /^tool_failed: The argument n must be integer\.$/],
    ['a number out of bounds', '{"n":0}', /^tool_failed: The argument n must be >= 1\.$/],
    ['an argument too many', '{"m":1}', /^tool_failed: The arguments must NOT have additional properties \("m"\)\.$/],
  ];
  it.each(wrong)('is refused for %s', async (what, json, content) => {
    const result = await run(call(json, what === 'an unknown tool' ? 'other' : 'probe'), probe({}));
    expect(result).toMatchObject({ is_error: true, truncated: false, content: expect.stringMatching(content) });
  });

  it('is denied before its arguments are looked at, with the reason, also when nobody can decide', async () => {
    const denied = await run(
      call('not JSON'),
      probe({}, { permit: () => ({ allowed: false, reason: 'Not for guests.' }) }),
    );
    expect(denied).toMatchObject({ is_error: true, content: 'tool_denied: Not for guests.' });
    const broken = (): never => {
      throw new Error('no rules');
    };
    const undecided = await run(call(), probe({}, { permit: broken }));
    expect(undecided).toMatchObject({ is_error: true, content: expect.stringMatching(/^tool_denied: .*no rules/) });
    expect(await run(call(), probe({}, { permit: () => ({ allowed: true }) }))).toMatchObject({ content: 'fine' });
  });

  it('is not made unasked, whatever its tool was when it was decided that nobody need be', async () => {
    const ran: unknown[] = [];
    const asking = (approval: NonNullable<Tool['approval']>, approved?: boolean): ToolRun =>
      probe(
        {
          approval,
          execute: async (args) => {
            ran.push(args);
            return { content: 'fine', is_error: false };
          },
        },
        approved === undefined ? {} : { approved },
      );
    const dear = ({ n }: Readonly<Record<string, unknown>>): string | null => (n === 7 ? 'sevens are dear' : null);
    const broken = (): never => {
      throw new Error('no reason');
    };
    const unasked = { is_error: true, content: expect.stringMatching(/^tool_denied: .*nobody was asked/) };
    expect(await run(call(), asking('ask'))).toMatchObject(unasked);
    expect(await run(call(), asking('ask', false))).toMatchObject(unasked);
    expect(await run(call('{"n":7}'), asking(dear))).toMatchObject(unasked);
    expect(await run(call(), asking(broken))).toMatchObject(unasked);
    // What could not be made anyway says that, as it would have.
    expect(await run(call('{"n":0}'), asking('ask'))).toMatchObject({
      content: expect.stringMatching(/^tool_failed: The argument n/),
    });
    expect(ran).toEqual([]);
    expect(await run(call('{"n":3}'), asking(dear))).toMatchObject({ content: 'fine' });
    expect(await run(call('{"n":7}'), asking(dear, true))).toMatchObject({ content: 'fine' });
    expect(await run(call(), asking('never'))).toMatchObject({ content: 'fine' });
    expect(ran).toHaveLength(3);
  });

  const failing: readonly (readonly [string, () => Promise<ToolOutcome>, RegExp])[] = [
    ['says it failed', async () => ({ content: 'no such page', is_error: true }), /^tool_failed: no such page$/],
    ['rejects', () => Promise.reject(new Error('broken pipe')), /^tool_failed: broken pipe$/],
    ['rejects with a text', () => Promise.reject('nothing there'), /^tool_failed: nothing there$/],
    ['rejects with nothing', () => Promise.reject(Object.create(null)), /^tool_failed: .*without saying why/],
    [
      'throws',
      () => {
        throw new Error('at once');
      },
      /^tool_failed: at once$/,
    ],
    ['answers nothing', async () => undefined as unknown as ToolOutcome, /^tool_failed: .*no answer that can be read/],
    [
      'answers a number',
      async () => ({ content: 1 }) as unknown as ToolOutcome,
      /^tool_failed: .*no answer that can be read/,
    ],
  ];
  it.each(failing)('is an error when the tool %s', async (_, execute, content) => {
    expect(await run(call(), probe({ execute }))).toMatchObject({
      is_error: true,
      content: expect.stringMatching(content),
    });
  });

  it('is an error when the schema of the tool cannot be used', async () => {
    const result = await run(call(), probe({ inputSchema: { $ref: 'https://example.invalid/schema' } }));
    expect(result).toMatchObject({ is_error: true, content: expect.stringMatching(/schema that cannot be used/) });
  });

  it('takes schemas of any draft, and two with the same id', async () => {
    const schema = (n: number) => ({
      $schema: 'http://json-schema.org/draft-07/schema#',
      $id: 'same',
      type: 'object',
      minProperties: n,
    });
    const checks = createArgumentChecks();
    expect(await run(call(), probe({ inputSchema: schema(0) }, { checks }))).toMatchObject({ is_error: false });
    expect(await run(call(), probe({ inputSchema: schema(1) }, { checks }))).toMatchObject({ is_error: true });
  });
});

describe('time', () => {
  /** A world whose timers fire when the test says so. */
  function clockwork() {
    const timers: { readonly ms: number; readonly fire: () => void }[] = [];
    let cancelled = 0;
    let at = 0;
    const world = {
      now: () => NOW,
      monotonic: () => at,
      after: (ms: number, fire: () => void) => {
        timers.push({ ms, fire });
        return () => {
          cancelled += 1;
        };
      },
    };
    const pass = (ms: number): void => {
      at += ms;
    };
    return { world, timers, cancelled: () => cancelled, pass };
  }

  it('ends a call that takes too long, tells the tool, and ignores what comes after', async () => {
    const { world, timers, pass } = clockwork();
    const results: ToolResult[] = [];
    let late: (outcome: ToolOutcome) => void = () => undefined;
    let signal: AbortSignal | undefined;
    const given = probe(
      {
        execute: (_, context) => {
          signal = context.signal;
          return new Promise((resolve) => {
            late = resolve;
          });
        },
      },
      { world, timeout_ms: 200 },
    );
    await given.checks.load();
    runToolCall(call(), given, (result) => results.push(result));
    expect(timers.map(({ ms }) => ms)).toEqual([200]);
    pass(200.4);
    timers[0]?.fire();
    expect(signal?.aborted).toBe(true);
    late({ content: 'late', is_error: false });
    await Promise.resolve();
    expect(results).toEqual([
      {
        call_id: 'call-1',
        name: 'probe',
        content: 'tool_timeout: The tool probe did not answer within 200 ms.',
        is_error: true,
        truncated: false,
        took_ms: 200,
      },
    ]);
  });

  it('stops the timer when the tool answers in time', async () => {
    const { world, timers, cancelled } = clockwork();
    await run(call(), probe({}, { world }));
    expect(timers.map(({ ms }) => ms)).toEqual([500]);
    expect(cancelled()).toBe(1);
    timers[0]?.fire();
  });

  it('ends when the turn is cancelled, before or while it runs', async () => {
    const results: ToolResult[] = [];
    let ran = 0;
    const execute = (): Promise<ToolOutcome> => {
      ran += 1;
      return new Promise(() => undefined);
    };
    const abort = new AbortController();
    const given = probe({ execute }, { signal: abort.signal });
    await given.checks.load();
    runToolCall(call(), given, (result) => results.push(result));
    abort.abort();
    runToolCall(call(), given, (result) => results.push(result));
    expect(results).toMatchObject([
      { is_error: true, content: expect.stringMatching(/^tool_failed: .*cancelled/) },
      { is_error: true, content: expect.stringMatching(/^tool_failed: .*cancelled/) },
    ]);
    expect(ran).toBe(1);
  });
});

describe('results', () => {
  it('are cut to their limit in bytes, between characters, and say so', async () => {
    const content = '🙂'.repeat(20_000);
    const result = await run(call(), probe({ execute: async () => ({ content, is_error: false }) }));
    expect(result.truncated).toBe(true);
    expect(new TextEncoder().encode(result.content).length).toBeLessThanOrEqual(RESULT_BYTES);
    expect(result.content.isWellFormed()).toBe(true);
    expect(result.content).toMatch(/^(🙂)+\n\[cut: this result has 40000 characters, more than fits\]$/u);
  });

  it('are whole up to the limit, and always well formed', async () => {
    const exact = 'ä'.repeat(RESULT_BYTES / 2);
    expect(await run(call(), probe({ execute: async () => ({ content: exact, is_error: false }) }))).toMatchObject({
      content: exact,
      truncated: false,
    });
    expect(await run(call(), probe({ execute: async () => ({ content: 'a\ud83d', is_error: false }) }))).toMatchObject({
      content: 'a\ufffd',
    });
  });
});

describe('the registry', () => {
  it('refuses two tools of one name', () => {
    expect(() => createToolRegistry([base, base])).toThrow(/probe/);
  });

  it('offers the same objects every time, those that may be used', () => {
    const registry = createToolRegistry([base, { ...base, name: 'other' }]);
    expect(registry.offer()).toBe(registry.offer());
    expect(registry.offer(({ name }) => name === 'other')).toEqual([registry.offer()[1]]);
    expect(registry.get('constructor')).toBeUndefined();
  });
});
