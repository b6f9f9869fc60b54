// SPDX-License-Identifier: Apache-2.0
// The tool that reads skills: pages that join to the whole, and paths that are refused before anything is looked for.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { skillPath } from '../../../src/agent/skills/path.ts';
import { skillRead } from '../../../src/agent/tools/skill-read.ts';
import type { SkillContent, SkillsPort } from '../../../src/agent/tools/skills-port.ts';
import type { ToolContext } from '../../../src/agent/tools/tool.ts';
import { skill } from './skill-of.ts';

const asked: string[] = [];
function portOf(text: string, body = 'Body.'): SkillsPort {
  const bytes = new TextEncoder().encode(text);
  return {
    skills: [skill('a', { body }), skill('secret', { trigger: { on: 'manual' } })],
    mayRead: ({ name }) => name === 'a',
    read: async (_, parts, from, most): Promise<SkillContent> => {
      asked.push(parts.join('/'));
      if (parts.length === 0) return { is: 'folder', files: [{ path: 'x.md', bytes: 3 }], more: 2 };
      return { is: 'file', bytes: bytes.subarray(from, from + most), size: bytes.length };
    },
  };
}
const read = async (args: Readonly<Record<string, unknown>>, port: SkillsPort | undefined = portOf('')) =>
  await skillRead.execute(args, { skills: port } as unknown as ToolContext);

describe('skill_read', () => {
  it('gives the text of a skill with the names of its files', async () => {
    const { content, is_error } = await read({ skill: 'a' });
    expect(is_error).toBe(false);
    expect(content).toBe('[skill a]\nBody.\n\nIts files:\n- x.md (3 bytes)\n(and 2 files more)');
  });

  it('says which skills there are where one is not', async () => {
    expect((await read({ skill: 'b' })).content).toBe('There is no skill "b" here. There are: a, secret.');
    const nowhere = await skillRead.execute({ skill: 'b' }, {} as unknown as ToolContext);
    expect(nowhere).toEqual({ content: 'There is no skill "b" here.', is_error: true });
  });

  it('keeps to itself what nobody has asked for', async () => {
    const { content, is_error } = await read({ skill: 'secret', path: 'x.md' });
    expect(is_error).toBe(true);
    expect(content).toContain('use skill: secret');
  });

  it('says that bytes are no text, and where a file ends', async () => {
    expect((await read({ skill: 'a', path: 'x' }, portOf('a\0b'))).content).toContain('3 bytes that cannot be shown');
    expect((await read({ skill: 'a', path: 'x', offset: 9 }, portOf('abc'))).content).toContain('ends at byte 3');
  });

  it('gives pages that join to the whole, wherever characters are cut', async () => {
    const unit = fc.constantFrom('a', 'é', '請', '😀', '\n');
    const many = fc.string({ unit, minLength: 1, maxLength: 40 }).map((text) => text.repeat(1_500));
    const pages = async (text: string, args: Readonly<Record<string, unknown>>, port: SkillsPort): Promise<boolean> => {
      let whole = '';
      let offset: number | undefined = 0;
      while (offset !== undefined) {
        const { content }: { content: string } = await read({ ...args, offset }, port);
        whole += content
          .slice(content.indexOf(']\n') + 2)
          .replace(/\n\nIts files:\n- x\.md \(3 bytes\)\n\(and 2 files more\)$/, '');
        const next: string | undefined = /read on with offset (\d+)\]/.exec(content)?.[1];
        offset = next === undefined ? undefined : Number(next);
      }
      return whole === text;
    };
    await fc.assert(
      fc.asyncProperty(many, (text) => pages(text, { skill: 'a', path: 'x' }, portOf(text))),
      { numRuns: 20 },
    );
    await fc.assert(
      fc.asyncProperty(many, (text) => pages(text, { skill: 'a' }, portOf('', text))),
      { numRuns: 20 },
    );
  });

  it.each([
    '../other/SKILL.md',
    'references/../../x',
    'references/..',
    '..',
    '/etc/passwd',
    '~/x',
    'C:/x',
    'C:\\x',
    'a\\..\\..\\b',
    'a\0b',
    'a\nb',
    '\ud800',
    'x'.repeat(2_000),
    `${'é'.repeat(128)}.md`,
    'a/'.repeat(40),
  ])('looks for nothing at %j', async (path) => {
    asked.length = 0;
    const { is_error } = await read({ skill: 'a', path });
    expect(is_error).toBe(true);
    expect(asked).toEqual([]);
  });

  it('takes a path apart so that its parts only lead down', () => {
    expect(skillPath('./references//a.md')).toEqual({ ok: true, parts: ['references', 'a.md'] });
    expect(skillPath('')).toEqual({ ok: true, parts: [] });
    const piece = fc.oneof(fc.constantFrom('..', '.', '/', '\\', '\0', 'a', '~', ':'), fc.string({ maxLength: 3 }));
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const path = skillPath(pieces.join(''));
        return (
          !path.ok || path.parts.every((part) => part !== '..' && part !== '.' && part !== '' && !/[/\\\0]/.test(part))
        );
      }),
    );
  });
});
