// SPDX-License-Identifier: Apache-2.0
// What servers say, on its way in: lists, results and lines, whatever is in them.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createArgumentChecks } from '../../src/agent/tools/validate.ts';
import { answerText } from '../../src/mcp/answer.ts';
import { checkedSchema } from '../../src/mcp/checked-schema.ts';
import { LineReader } from '../../src/mcp/line-reader.ts';
import { plainText } from '../../src/mcp/plain-text.ts';
import { DESCRIPTION_MOST, SCHEMA_BYTES, SCHEMAS_BYTES, TOOLS_MOST, toolList } from '../../src/mcp/tool-list.ts';
import { parseCapability } from '../../src/security/capability.ts';

const tool = (name: unknown, more: object = {}): object => ({ name, inputSchema: { type: 'object' }, ...more });
const nested = (depth: number): object => (depth === 0 ? {} : { properties: { a: nested(depth - 1) } });
const sized = (bytes: number): object => ({ inputSchema: { type: 'object', $comment: 'x'.repeat(bytes) } });

describe('a list of tools', () => {
  it.each([
    ['no tool', 7, /cannot be read/],
    ['no name', { inputSchema: {} }, /cannot be read/],
    ['a name that is no text', tool(7), /cannot be read/],
    ['an empty name', tool(''), /nobody sees/],
    ['a name with blanks', tool('two words'), /nobody sees/],
    ['a name with hidden letters', tool('a\u202eb'), /nobody sees/],
    ['a long name', tool('x'.repeat(129)), /longer than 128/],
    ['no schema', { name: 'a' }, /cannot be read/],
    ['a schema of something else', tool('a', { inputSchema: { type: 'string' } }), /no object/],
    ['a large schema', tool('a', sized(SCHEMA_BYTES)), /larger than 64 KiB/],
    ['a deep schema', tool('a', { inputSchema: nested(40) }), /deeper than 32/],
    ['a tool that is a task', tool('a', { execution: { taskSupport: 'required' } }), /only as a task/],
  ])('leaves out %s, and nothing else', (_what, bad, why) => {
    const list = toolList([tool('before'), bad, tool('after')]);
    expect(list.tools.map(({ name }) => name)).toEqual(['before', 'after']);
    expect(list.skipped).toEqual([{ name: expect.any(String), why: expect.stringMatching(why) }]);
  });

  it('is bounded, in tools and in all that is said of them', () => {
    const many = toolList(Array.from({ length: TOOLS_MOST + 60 }, (_, at) => tool(`t${at}`)));
    expect([many.tools.length, many.skipped.length, many.skipped_count]).toEqual([TOOLS_MOST, 50, 60]);
    const large = toolList(Array.from({ length: 40 }, (_, at) => tool(`t${at}`, sized(SCHEMA_BYTES - 200))));
    expect(JSON.stringify(large.tools.map(({ inputSchema }) => inputSchema)).length).toBeLessThan(SCHEMAS_BYTES + 100);
    expect(large.skipped[0]?.why).toMatch(/1024 KiB together/);
    expect(toolList([tool('a'), tool('a')]).skipped[0]?.why).toMatch(/is called a here/);
    const [said] = toolList([tool('a', { description: 'x'.repeat(DESCRIPTION_MOST + 1) })]).tools;
    expect(said?.description).toHaveLength(DESCRIPTION_MOST + 1);
  });

  it('has names that rules can be about, whatever the server calls its tools', () => {
    const names = ['add', 'files.read', 'files/read', 'büro', '*', '.hidden..', 'a:b@c', 'files_read'];
    const list = toolList(names.map((name) => tool(name)));
    expect(list.tools.map(({ name, original }) => [name, original])).toEqual([
      ['add', 'add'],
      ['files.read', 'files.read'],
      ['files_read', 'files/read'],
      ['b_ro', 'büro'],
      ['_', '*'],
      ['_.hidden._._', '.hidden..'],
      ['a_b_c', 'a:b@c'],
    ]);
    expect(list.skipped).toEqual([{ name: 'files_read', why: 'another tool of the server is called files_read here' }]);
    for (const { name } of list.tools) expect(parseCapability(`tool.mcp.box.${name}`)).not.toBeNull();
  });

  it('hides nothing from people that a model would read', () => {
    const hidden = 'Adds.\u200b\u202e\u{e0041}\u{e0042}\u0007 Really.';
    const [made] = toolList([
      tool('a', {
        description: hidden,
        inputSchema: { type: 'object', properties: { n: { description: hidden, pattern: '^\u200b$' } } },
      }),
    ]).tools;
    expect(made?.description).toBe('Adds. Really.');
    // What is a rule and not for reading stays as it is.
    expect(made?.inputSchema['properties']).toEqual({ n: { description: 'Adds. Really.', pattern: '^\u200b$' } });
    expect(plainText('👩‍👩‍👧\tتجربة\n', 100)).toBe('👩‍👩‍👧\tتجربة');
  });

  it('says of a tool what its server does, and nothing it did not', () => {
    const of = (annotations: unknown) => {
      const [made] = toolList([tool('a', { annotations })]).tools;
      return [made?.idempotent, made?.read_only, made?.destructive];
    };
    expect(of(undefined)).toEqual([false, false, false]);
    expect(of({ destructiveHint: true, idempotentHint: true })).toEqual([true, false, true]);
    expect(of({ readOnlyHint: true, destructiveHint: true })).toEqual([true, true, false]);
    expect(of({ readOnlyHint: 'yes', destructiveHint: 1 })).toEqual([false, false, false]);
    expect(of('nothing of the kind')).toEqual([false, false, false]);
  });

  it('is made of anything, and is frozen through and through', () => {
    const value = fc.anything({ withNullPrototype: true });
    const almost = fc.record({
      name: value,
      description: value,
      inputSchema: fc.dictionary(fc.string(), fc.jsonValue()),
    });
    fc.assert(
      fc.property(fc.array(fc.oneof(value, almost), { maxLength: 8 }), (listed) => {
        const list = toolList(listed);
        expect(list.tools.length + list.skipped_count).toBe(listed.length);
        const frozen = (of: unknown): boolean =>
          typeof of !== 'object' || of === null || (Object.isFrozen(of) && Object.values(of).every(frozen));
        expect(frozen(list)).toBe(true);
        // It crosses threads.
        expect(structuredClone(list)).toEqual(list);
      }),
    );
  });
});

describe('a schema', () => {
  const checks = createArgumentChecks();
  const problemOf = (schema: Readonly<Record<string, unknown>>, args: unknown): Promise<string | undefined> =>
    new Promise((resolve) => checks.check(checkedSchema(schema), args, resolve));

  it('is checked but for its patterns, which hold nobody up', async () => {
    const schema = {
      type: 'object',
      properties: {
        // A name like any other.
        pattern: { type: 'string', pattern: '^(a+)+$', maxLength: 100 },
        list: { type: 'array', items: { anyOf: [{ type: 'string', pattern: '(b|b)*c' }, { type: 'number' }] } },
      },
      patternProperties: { '^(x+)+$': { type: 'number' } },
      propertyNames: { pattern: '^(p|l|x|pattern|list)+$' },
      additionalProperties: false,
      required: ['pattern'],
    };
    const endless = `${'a'.repeat(60)}!`;
    expect(await problemOf(schema, { pattern: endless, list: [`${'b'.repeat(60)}!`, 1] })).toBeUndefined();
    expect(await problemOf(schema, { pattern: endless, [`${'x'.repeat(60)}!`]: 1 })).toBeUndefined();
    expect(await problemOf(schema, {})).toMatch(/required property 'pattern'/);
    expect(await problemOf(schema, { pattern: 'a'.repeat(101) })).toMatch(/more than 100 characters/);
    expect(await problemOf(schema, { pattern: 'a', list: [true] })).toMatch(/list/);
    expect(checkedSchema(schema)['properties']).toHaveProperty('pattern', { type: 'string', maxLength: 100 });
  });

  it('says the same as before where it has none', async () => {
    const schema = { type: 'object', properties: { kind: { enum: ['pattern', { pattern: 'a' }] } } };
    expect(checkedSchema(schema)).toEqual(schema);
    const closed = { type: 'object', properties: {}, additionalProperties: false };
    expect(await problemOf(closed, { more: 1 })).toMatch(/additional properties/);
  });
});

describe('a result', () => {
  it('is text whatever its parts are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.anything(), { maxLength: 6 }),
        fc.option(fc.jsonValue()),
        (content, structuredContent) => {
          const { content: text, is_error } = answerText({
            content,
            structuredContent: structuredContent ?? undefined,
          });
          expect(text).not.toBe('');
          expect(is_error).toBe(false);
        },
      ),
    );
  });

  it('says its structured content once', () => {
    const structuredContent = { sum: 3, of: [1, 2] };
    const text = { type: 'text', text: JSON.stringify(structuredContent, null, 2) };
    expect(answerText({ content: [text], structuredContent }).content).toBe(text.text);
    expect(answerText({ structuredContent }).content).toBe('{"sum":3,"of":[1,2]}');
    expect(answerText({ content: [] }).content).toBe('The tool answered without any content.');
    expect(answerText({ content: Array(1_200).fill({ type: 'text', text: '' }) }).content).toMatch(
      /\[200 more parts; not shown]$/,
    );
  });
});

describe('lines', () => {
  it('come out as they were, however they are cut', () => {
    const line = fc
      .string({ unit: 'binary', maxLength: 20 })
      .map((text) => text.replaceAll(/[\r\n]/g, '').toWellFormed());
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), fc.integer({ min: 1, max: 9 }), (lines, size) => {
        const got: string[] = [];
        const reader = new LineReader(1_000, (text) => void got.push(text));
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
        for (let at = 0; at < bytes.length; at += size) expect(reader.take(bytes.subarray(at, at + size))).toBe(true);
        expect(got).toEqual(lines);
      }),
    );
  });

  it('that are too long are refused, or cut', () => {
    const got: string[] = [];
    const strict = new LineReader(4, (text) => void got.push(text));
    expect(strict.take(Buffer.from('four\nfives\nmore\n'))).toBe(false);
    expect(strict.take(Buffer.from('more\n'))).toBe(false);
    const lenient = new LineReader(4, (text) => void got.push(text), 'cut');
    expect(lenient.take(Buffer.from('fives\nmore\n'))).toBe(true);
    expect(got).toEqual(['four', 'five', 'more']);
  });
});
