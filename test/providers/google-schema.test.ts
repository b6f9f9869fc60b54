// SPDX-License-Identifier: Apache-2.0
// JSON Schema reduced to what the Gemini API takes: case by case, and for any schema there is.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { googleSchema } from '../../src/providers/google/schema.ts';
import { usualRuns } from '../drawn.ts';
import { GeminiSchema } from '../wire/google.ts';

/** What becomes of one property. */
const reduced = (property: unknown, more: Readonly<Record<string, unknown>> = {}): unknown =>
  googleSchema({ type: 'object', properties: { it: property }, ...more })?.properties?.['it'];

describe('a schema', () => {
  it.each([
    [
      'a text',
      { type: 'string', minLength: 1, maxLength: 9, pattern: '^a' },
      { type: 'STRING', minLength: '1', maxLength: '9', pattern: '^a' },
    ],
    ['a choice of texts', { type: 'string', enum: ['a', 'b'] }, { type: 'STRING', format: 'enum', enum: ['a', 'b'] }],
    ['a choice without a type', { enum: ['a', null] }, { type: 'STRING', format: 'enum', enum: ['a'], nullable: true }],
    ['a constant', { const: 'a' }, { type: 'STRING', format: 'enum', enum: ['a'] }],
    ['a choice of numbers', { type: 'integer', enum: [1, 2] }, { type: 'INTEGER', description: 'One of: 1, 2.' }],
    ['a date', { type: 'string', format: 'date-time' }, { type: 'STRING', format: 'date-time' }],
    [
      'another format',
      { type: 'string', format: 'uri', description: 'Where.' },
      { type: 'STRING', description: 'Where. Format: uri.' },
    ],
    [
      'whole numbers between',
      { type: 'integer', exclusiveMinimum: 0, exclusiveMaximum: 10 },
      { type: 'INTEGER', minimum: 1, maximum: 9 },
    ],
    [
      'numbers above',
      { type: 'number', exclusiveMinimum: 0, maximum: 1 },
      { type: 'NUMBER', maximum: 1, description: 'More than 0.' },
    ],
    ['what may be null', { type: ['string', 'null'] }, { type: 'STRING', nullable: true }],
    [
      'one or null',
      { anyOf: [{ type: 'null' }, { type: 'boolean' }], description: 'Whether.' },
      { type: 'BOOLEAN', nullable: true, description: 'Whether.' },
    ],
    [
      'several types',
      { type: ['string', 'integer'], minimum: 1 },
      { anyOf: [{ type: 'STRING' }, { type: 'INTEGER', minimum: 1 }] },
    ],
    [
      'one of several',
      { oneOf: [{ type: 'string' }, { type: 'number' }] },
      { anyOf: [{ type: 'STRING' }, { type: 'NUMBER' }] },
    ],
    [
      'a list',
      { type: 'array', items: { type: 'string' }, minItems: 1 },
      { type: 'ARRAY', items: { type: 'STRING' }, minItems: '1' },
    ],
    [
      'a pair',
      { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }] },
      { type: 'ARRAY', items: { anyOf: [{ type: 'STRING' }, { type: 'NUMBER' }] } },
    ],
    [
      'an object',
      { type: 'object', properties: { a: { type: 'string' } }, required: ['a', 'gone'], additionalProperties: false },
      { type: 'OBJECT', properties: { a: { type: 'STRING' } }, required: ['a'] },
    ],
    ['any object', { type: 'object', additionalProperties: true }, { type: 'OBJECT' }],
    [
      'all of several',
      {
        allOf: [
          { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
          { properties: { b: { type: 'number' } }, required: ['b'] },
        ],
      },
      { type: 'OBJECT', properties: { a: { type: 'STRING' }, b: { type: 'NUMBER' } }, required: ['a', 'b'] },
    ],
    ['anything', {}, { anyOf: [{ type: 'STRING' }, { type: 'NUMBER' }, { type: 'BOOLEAN' }] }],
  ])('of %s', (_what, schema, expected) => {
    expect(reduced(schema)).toEqual(expected);
  });

  it('has its references put in place, and those into itself cut off', () => {
    const $defs = {
      point: { type: 'object', properties: { x: { $ref: '#/$defs/size' } } },
      size: { type: 'number' },
      tree: {
        type: 'object',
        properties: { name: { type: 'string' }, children: { type: 'array', items: { $ref: '#/$defs/tree' } } },
      },
    };
    expect(reduced({ $ref: '#/$defs/point', description: 'Where.' }, { $defs })).toEqual({
      type: 'OBJECT',
      description: 'Where.',
      properties: { x: { type: 'NUMBER' } },
    });
    expect(reduced({ $ref: '#/$defs/tree' }, { $defs })).toMatchObject({
      type: 'OBJECT',
      properties: { name: { type: 'STRING' }, children: { type: 'ARRAY', items: { type: 'OBJECT' } } },
    });
  });

  it('of a tool is one object, whatever it was', () => {
    const forms = [
      { type: 'object', properties: { id: { type: 'string' }, a: { type: 'string' } }, required: ['id', 'a'] },
      { type: 'object', properties: { id: { type: 'string' }, b: { type: 'number' } }, required: ['id'] },
    ];
    expect(googleSchema({ anyOf: forms })).toEqual({
      type: 'OBJECT',
      properties: { id: { type: 'STRING' }, a: { type: 'STRING' }, b: { type: 'NUMBER' } },
      required: ['id'],
    });
    expect(googleSchema({ $ref: '#/$defs/it', $defs: { it: forms[0] } })).toMatchObject({ required: ['id', 'a'] });
    expect(googleSchema({ type: 'object', properties: {} })).toBeUndefined();
    expect(googleSchema({})).toBeUndefined();
  });

  it('that grows without end is cut', () => {
    const wide = (depth: number): unknown =>
      depth === 0
        ? { type: 'string' }
        : {
            type: 'object',
            properties: Object.fromEntries(['a', 'b', 'c', 'd'].map((key) => [key, { $ref: `#/$defs/d${depth - 1}` }])),
          };
    const $defs = Object.fromEntries(Array.from({ length: 15 }, (_, depth) => [`d${depth}`, wide(depth)]));
    const text = JSON.stringify(reduced({ $ref: '#/$defs/d14' }, { $defs }));
    expect(text.length).toBeLessThan(200_000);
  });

  it('that is wrong in any way still becomes one the API takes', () => {
    const word = fc.constantFrom('a', 'b', 'c', '');
    const type = fc.constantFrom('string', 'number', 'integer', 'boolean', 'array', 'object', 'null', 'nonsense', 7);
    const { schema } = fc.letrec((tie) => ({
      schema: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.boolean(),
        fc.record(
          {
            type: fc.oneof(type, fc.array(type, { maxLength: 3 })),
            properties: fc.dictionary(word, tie('schema'), { maxKeys: 3 }),
            required: fc.array(fc.oneof(word, fc.integer()), { maxLength: 3 }),
            items: fc.oneof(tie('schema'), fc.array(tie('schema'), { maxLength: 2 })),
            prefixItems: fc.array(tie('schema'), { maxLength: 2 }),
            anyOf: fc.array(tie('schema'), { maxLength: 3 }),
            oneOf: fc.array(tie('schema'), { maxLength: 2 }),
            allOf: fc.array(tie('schema'), { maxLength: 2 }),
            enum: fc.array(fc.oneof(word, fc.integer(), fc.constant(null)), { maxLength: 3 }),
            const: fc.oneof(word, fc.integer(), fc.constant(null)),
            $ref: fc.constantFrom('#', '#/properties/a', '#/anyOf/0', '#/nowhere', 'https://elsewhere/schema', 7),
            format: fc.constantFrom('date-time', 'int32', 'uri', 7),
            minimum: fc.oneof(fc.integer(), word),
            exclusiveMinimum: fc.oneof(fc.integer(), fc.boolean()),
            minLength: fc.oneof(fc.integer(), fc.double()),
            maxItems: fc.integer(),
            description: fc.oneof(word, fc.integer()),
            nullable: fc.boolean(),
            additionalProperties: tie('schema'),
            not: tie('schema'),
          },
          { requiredKeys: [] },
        ),
      ),
    }));
    fc.assert(
      fc.property(schema, (one) => {
        const made = googleSchema({ type: 'object', properties: { it: one as never } });
        if (made === undefined) return;
        expect(GeminiSchema.safeParse(JSON.parse(JSON.stringify(made))).error).toBeUndefined();
        const whole = googleSchema(one as never);
        if (whole !== undefined)
          expect(GeminiSchema.safeParse(JSON.parse(JSON.stringify(whole))).error).toBeUndefined();
      }),
      { numRuns: usualRuns(500) },
    );
  });
});
