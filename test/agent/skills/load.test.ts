// SPDX-License-Identifier: Apache-2.0
// A SKILL.md by the rules of the public specification: what loads, what loads with a warning, and what does not.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadSkill } from '../../../src/agent/skills/load.ts';
import { nameProblem } from '../../../src/agent/skills/skill.ts';

const file = (front: string, body = 'Do it.'): string => `---\n${front}\n---\n${body}\n`;
const load = (front: string, folder = 'pdf-forms') => loadSkill(folder, file(front));
const DESCRIBED = 'description: Fills forms.';

/** What is written, and a part of each warning it gets. */
const LOADS: readonly (readonly [what: string, front: string, warnings: readonly string[], folder?: string])[] = [
  ['the least there can be', `name: pdf-forms\n${DESCRIBED}`, []],
  [
    'every field of the specification',
    `name: pdf-forms\n${DESCRIBED}\nlicense: Apache-2.0\ncompatibility: Needs python\nallowed-tools: Read Bash(git:*)\nmetadata:\n  author: me\n  version: "1.0"`,
    [],
  ],
  ['a name of one letter', `name: a\n${DESCRIBED}`, [], 'a'],
  ['a name of digits', `name: 2024\n${DESCRIBED}`, [], '2024'],
  ['a name of 64 letters', `name: ${'a'.repeat(64)}\n${DESCRIBED}`, [], 'a'.repeat(64)],
  ['a name in another script', `name: données-été\n${DESCRIBED}`, [], 'données-été'],
  ['a name without case', `name: 請求書\n${DESCRIBED}`, [], '請求書'],
  ['a name composed otherwise than its folder', `name: e\u0301te\u0301\n${DESCRIBED}`, [], 'été'],
  ['no name', DESCRIBED, ['no name']],
  ['an empty name', `name:\n${DESCRIBED}`, ['no name']],
  ['a name of 65 letters', `name: ${'a'.repeat(65)}\n${DESCRIBED}`, ['longer than 64'], 'a'.repeat(65)],
  ['upper case', `name: PDF-Forms\n${DESCRIBED}`, ['not in lower case', 'not that of its folder']],
  ['a hyphen in front', `name: -pdf\n${DESCRIBED}`, ['begins or ends with a hyphen'], '-pdf'],
  ['a hyphen behind', `name: pdf-\n${DESCRIBED}`, ['begins or ends with a hyphen'], 'pdf-'],
  ['two hyphens', `name: pdf--forms\n${DESCRIBED}`, ['two hyphens'], 'pdf--forms'],
  ['an underscore', `name: pdf_forms\n${DESCRIBED}`, ['more than letters'], 'pdf_forms'],
  ['a space', `name: pdf forms\n${DESCRIBED}`, ['more than letters'], 'pdf forms'],
  ['another name than its folder', `name: pdf\n${DESCRIBED}`, ['not that of its folder']],
  ['a name that is no text', `name: [a]\n${DESCRIBED}`, ['name is no text', 'no name']],
  ['1,024 characters of description', `name: pdf-forms\ndescription: ${'é'.repeat(1024)}`, []],
  ['1,025 of them', `name: pdf-forms\ndescription: ${'é'.repeat(1025)}`, ['longer than 1024']],
  ['a folded description', 'name: pdf-forms\ndescription: >\n  Fills\n  forms.', []],
  ['a description with a colon', 'name: pdf-forms\ndescription: Use when: somebody asks', ['a colon in it']],
  ['a description in quotes', 'name: pdf-forms\ndescription: "Use when: asked"', []],
  ['500 characters of compatibility', `name: pdf-forms\n${DESCRIBED}\ncompatibility: ${'x'.repeat(500)}`, []],
  ['501 of them', `name: pdf-forms\n${DESCRIBED}\ncompatibility: ${'x'.repeat(501)}`, ['longer than 500']],
  ['a field nobody knows', `name: pdf-forms\n${DESCRIBED}\nversion: 1.0`, ['"version" is no field']],
  ['metadata that is a list', `name: pdf-forms\n${DESCRIBED}\nmetadata: [a]`, ['metadata is no list of names']],
  ['metadata with more inside', `name: pdf-forms\n${DESCRIBED}\nmetadata:\n  a: {b: c}`, ['metadata "a" is no text']],
  ['empty metadata', `name: pdf-forms\n${DESCRIBED}\nmetadata:`, []],
  ['tools as a list', `name: pdf-forms\n${DESCRIBED}\nallowed-tools: [Read, Write]`, ['a list instead of text']],
  ['tools with commas', `name: pdf-forms\n${DESCRIBED}\nallowed-tools: Read, Write`, ['separated by commas']],
  ['tools that are a map', `name: pdf-forms\n${DESCRIBED}\nallowed-tools: {a: b}`, ['allowed-tools is no text']],
  [
    'a trigger nobody knows',
    `name: pdf-forms\n${DESCRIBED}\nmetadata:\n  gateway:trigger: often`,
    ['not auto, manual'],
  ],
  ['keywords missing', `name: pdf-forms\n${DESCRIBED}\nmetadata:\n  gateway:trigger: keyword`, ['no gateway:keywords']],
  [
    'keywords without their trigger',
    `name: pdf-forms\n${DESCRIBED}\nmetadata:\n  gateway:keywords: form`,
    ['no effect without'],
  ],
];

const REFUSED: readonly (readonly [what: string, text: string, message: string])[] = [
  ['no front matter', '# A skill', 'does not begin with front matter'],
  ['nothing', '', 'does not begin with front matter'],
  ['front matter without an end', `---\nname: a\n${DESCRIBED}`, 'does not begin with front matter'],
  ['text before it', `Hello\n${file(DESCRIBED)}`, 'does not begin with front matter'],
  ['no description', file('name: a'), 'no description'],
  ['an empty description', file('name: a\ndescription:'), 'no description'],
  ['a blank description', file('name: a\ndescription: "   "'), 'no description'],
  ['a description that is no text', file('name: a\ndescription: {a: b}'), 'no description'],
  ['YAML that is none', file('name: "a\ndescription: b'), 'cannot be read as YAML'],
  ['a key twice', file(`name: a\nname: b\n${DESCRIBED}`), 'cannot be read as YAML'],
  ['aliases, which could grow without end', file(`a: &a [x,x]\nb: [*a,*a]\n${DESCRIBED}`), 'cannot be read as YAML'],
  ['a list', file('- a'), 'no list of names and values'],
  ['text alone', file('hello'), 'no list of names and values'],
  ['nothing in it', '---\n---\nText', 'no list of names and values'],
  ['more front matter than is read', file(`${DESCRIBED}\n# ${'x'.repeat(20_000)}`), 'longer than 16384'],
  ['bytes', `---\n${DESCRIBED}\n---\n\0`, 'no text in UTF-8'],
];

describe('a skill of the public specification', () => {
  const rows = LOADS.map(([what, front, warnings, folder = 'pdf-forms']) => ({ what, front, warnings, folder }));
  it.each(rows)('loads with $what', ({ front, warnings, folder }) => {
    const loaded = load(front, folder);
    if (!loaded.ok) throw new Error(loaded.message);
    expect(loaded.skill.warnings).toHaveLength(warnings.length);
    for (const [at, warning] of warnings.entries()) expect(loaded.skill.warnings[at]).toContain(warning);
    expect(loaded.skill.name).toBe(folder);
    expect(loaded.skill.body).toBe('Do it.');
  });

  it.each(REFUSED)('does not load with %s', (_, text, message) => {
    const loaded = loadSkill('a', text);
    expect(loaded.ok ? 'loaded' : loaded.message).toContain(message);
  });

  it('has its fields as they are written: text, whatever YAML would make of it', () => {
    const loaded = load(
      `name: pdf-forms\ndescription: >\n  Fills\n  forms.\nlicense: MIT\ncompatibility: any\nallowed-tools: Read Bash(git add:*) Write\nmetadata:\n  version: 1.0\n  draft: true\n  __proto__: x`,
    );
    expect(loaded).toMatchObject({
      ok: true,
      skill: {
        description: 'Fills forms.',
        license: 'MIT',
        compatibility: 'any',
        allowedTools: ['Read', 'Bash(git add:*)', 'Write'],
        metadata: { version: '1.0', draft: 'true' },
        trigger: { on: 'model' },
      },
    });
  });

  it('begins after a byte order mark and blank lines, with any end of line', () => {
    const text = `\uFEFF\r\n---\r\nname: a\r\n${DESCRIBED}\r\n---\r\n\r\nOne\r\n---\r\nTwo\r\n`;
    expect(loadSkill('a', text)).toMatchObject({ ok: true, skill: { body: 'One\n---\nTwo', warnings: [] } });
  });

  it.each([
    ['auto', { on: 'auto' }],
    [' Manual ', { on: 'manual' }],
    [
      '"keyword"\n  gateway:keywords: "invoice, VAT return ,invoice,, 請求書、税"',
      {
        on: 'keyword',
        keywords: ['invoice', 'VAT return', '請求書', '税'],
      },
    ],
  ])('is triggered by %s', (written, trigger) => {
    const loaded = load(`name: pdf-forms\n${DESCRIBED}\nmetadata:\n  gateway:trigger: ${written}`);
    expect(loaded).toMatchObject({ ok: true, skill: { trigger, warnings: [] } });
  });

  it('counts the keywords it leaves out', () => {
    const words = Array.from({ length: 70 }, (_, at) => `word${at}`);
    const loaded = load(
      `name: pdf-forms\n${DESCRIBED}\nmetadata:\n  gateway:trigger: keyword\n  gateway:keywords: ${words.join(',')}`,
    );
    expect(loaded).toMatchObject({ ok: true, skill: { warnings: [expect.stringContaining('6 of its 70 keywords')] } });
  });

  it('never throws, whatever stands there', () => {
    const piece = fc.constantFrom(
      '---',
      'name: a',
      'description: b',
      ': ',
      '- ',
      '"',
      '{',
      '}',
      '&a',
      '*a',
      '\t',
      '|',
      '>',
      'x',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string())), (pieces) => {
        const loaded = loadSkill('a', `---\n${pieces.join('\n')}\n---\nbody`);
        return loaded.ok ? loaded.skill.description !== '' : loaded.message !== '';
      }),
    );
  });
});

describe('a name', () => {
  it('made of letters, digits and single inner hyphens is one, up to 64 characters', () => {
    const part = fc.string({ unit: fc.constantFrom(...'abcxyz0189'), minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 9 }),
        (parts) => nameProblem(parts.join('-')) === undefined,
      ),
    );
  });

  it.each(['../etc', 'a/b', 'a.b', 'a\0', 'A', 'ǅ', 'a\nb', 'a b', '😀'])('is not %j', (name) => {
    expect(nameProblem(name)).toBeDefined();
  });
});
