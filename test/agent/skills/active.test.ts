// SPDX-License-Identifier: Apache-2.0
// What brings a skill's text before the model: always, by name, by whole words of any script.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { activeSkills, mayRead } from '../../../src/agent/skills/active.ts';
import { skill } from './skill-of.ts';

const set = {
  skills: [
    skill('always', { trigger: { on: 'auto' } }),
    skill('deploy', { trigger: { on: 'manual' }, allowedTools: ['clock', 'Bash(git:*)'] }),
    skill('deploy-all', { trigger: { on: 'manual' } }),
    skill('invoices', {
      trigger: { on: 'keyword', keywords: ['invoice', 'VAT return', 'C++', 'naïve', '請求書', '송장', 'ใบแจ้งหนี้', 'ß'] },
    }),
    skill('plain'),
  ],
  problems: [],
};
const names = (skills: readonly { readonly name: string }[]): string => skills.map(({ name }) => name).join(' ');
const by = (text: string, before: readonly string[] = []) => activeSkills(set, [text], before);

describe('keywords', () => {
  it.each([
    'an invoice please',
    'Invoice',
    'INVOICE!',
    "the invoice's total",
    're-invoice them',
    '(invoice)',
    'ｉｎｖｏｉｃｅ',
    'my vat  return',
    'my VAT\nreturn',
    'C++ is fine',
    'c++11',
    'a nai\u0308ve one',
    'この請求書を見て',
    'pdf請求書',
    '송장을 보내',
    'ขอใบแจ้งหนี้หน่อย',
    'SS',
    '発行 invoiceです',
  ])('match in %j', (text) => {
    expect(names(by(text).matched)).toBe('invoices');
  });

  it.each([
    'invoices',
    'reinvoice',
    'in voice',
    'invoice_2',
    'vatreturn',
    'vat returns',
    'naive',
    'xC++',
    'invoicé',
    '',
  ])('do not match in %j', (text) => {
    expect(names(by(text).matched)).toBe('');
  });

  it('say nothing about messages of before', () => {
    expect(names(by('and the second one?', ['an invoice please']).matched)).toBe('');
  });

  it('match a word wherever it stands between others, and never as a part of one', () => {
    const word = fc.string({ unit: fc.constantFrom(...'abcdé'), minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(word), fc.array(word), fc.constantFrom('', 'x'), (left, right, grown) => {
        const text = [...left, `invoice${grown}`, ...right].join(' ');
        return (by(text).matched.length === 1) === (grown === '');
      }),
    );
  });

  it('are looked for in one pass, however many and however long the text', () => {
    const many = {
      skills: Array.from({ length: 128 }, (_, at) =>
        skill(`s${at}`, {
          trigger: { on: 'keyword', keywords: Array.from({ length: 64 }, (__, n) => `aaaa${at}x${n}`) },
        }),
      ),
      problems: [],
    };
    const text = `${'aaaa '.repeat(50_000)}aaaa127x63`;
    expect(names(activeSkills(many, [text], []).matched)).toBe('s127');
  });
});

describe('use skill: NAME', () => {
  it.each([
    ['use skill: deploy', 'deploy'],
    ['Please USE SKILL: Deploy now', 'deploy'],
    ['use skill:deploy.', 'deploy'],
    ['use skill: "deploy"', 'deploy'],
    ['use  skill : deploy', 'deploy'],
    ['use skill： deploy', 'deploy'],
    ['use skill: deploy-all', 'deploy-all'],
    ['use skill: deploy - quickly', 'deploy'],
    ['use skill: deploy and use skill: deploy-all', 'deploy deploy-all'],
    ['use skill: plain', 'plain'],
  ])('in %j asks for %s', (text, asked) => {
    expect(names(by(text).asked)).toBe(asked);
  });

  it.each(['deploy', 'use the skill deploy', 'misuse skill: deploy', 'use skills: deploy', 'use skill deploy'])(
    'is not %j',
    (text) => {
      expect(names(by(text).asked)).toBe('');
    },
  );

  it('tells a name that nobody has', () => {
    expect(by('use skill: deployment').unknown).toEqual(['deployment']);
    expect(by('use skill: deploy').unknown).toEqual([]);
  });

  it('holds as long as the model sees the message', () => {
    const before = ['hello', 'use skill: deploy'];
    expect(names(by('go on', before).asked)).toBe('deploy');
    expect(names(by('go on', ['hello']).asked)).toBe('');
    expect(by('go on', ['use skill: nothing']).unknown).toEqual([]);
  });

  it('opens a manual skill to be read, which nothing else does', () => {
    const [deploy, plain] = [set.skills[1], set.skills[4]];
    if (deploy === undefined || plain === undefined) throw new Error('they are above');
    expect(mayRead(deploy, by('deploy it'))).toBe(false);
    expect(mayRead(deploy, by('use skill: deploy'))).toBe(true);
    expect(mayRead(plain, by(''))).toBe(true);
  });
});

it('brings every skill in once: asked for before always, always before matched', () => {
  const active = by('use skill: always and use skill: invoices for this invoice');
  expect([names(active.asked), names(active.auto), names(active.matched)]).toEqual(['always invoices', '', '']);
});
