// SPDX-License-Identifier: Apache-2.0
// What platforms are given for a Markdown text: what they know as they know it, everything else as text, and no injection.

import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { discordMarkdown } from '../../../src/channels/text/discord-markdown.ts';
import type { ParseMarkdown } from '../../../src/channels/text/document.ts';
import { matrixHtml, telegramHtml } from '../../../src/channels/text/html.ts';
import { loadMarkdown } from '../../../src/channels/text/markdown.ts';
import { markedText, PLAIN, SLACK_MRKDWN, WHATSAPP } from '../../../src/channels/text/marked-text.ts';
import { slackBlocks } from '../../../src/channels/text/slack-blocks.ts';

const REPLY = [
  '# Tides',
  '',
  'High at **nine**, _low_ at ~~ten~~ `three`; see [the table](https://example.com/a_b?c=1&d=2).',
  'A second line.',
  '',
  '- one',
  '  1. inner',
  '- two',
  '',
  '> said & done',
  '',
  '```js',
  'if (a < b && c > d) return "*_x_*";',
  '```',
  '',
  '| port | time |',
  '| --- | --- |',
  '| A | 9 |',
  '',
  '---',
].join('\n');

let parse: ParseMarkdown;
beforeAll(async () => {
  parse = await loadMarkdown();
});

describe('Telegram', () => {
  it('is given the few tags it takes, lines and bullets for the rest', () => {
    expect(telegramHtml(parse(REPLY))).toBe(
      [
        '<b>Tides</b>',
        'High at <b>nine</b>, <i>low</i> at <s>ten</s> <code>three</code>; see <a href="https://example.com/a_b?c=1&amp;d=2">the table</a>.\nA second line.',
        '• one\n  1. inner\n• two',
        '<blockquote>said &amp; done</blockquote>',
        '<pre><code class="language-js">if (a &lt; b &amp;&amp; c &gt; d) return &quot;*_x_*&quot;;</code></pre>',
        '<pre>port | time\nA | 9</pre>',
        '———',
      ].join('\n\n'),
    );
  });

  it('is given HTML as text, and no address that is not one', () => {
    expect(telegramHtml(parse('<b>x</b> <script>alert(1)</script>'))).toBe(
      '&lt;b&gt;x&lt;/b&gt; &lt;script&gt;alert(1)&lt;/script&gt;',
    );
    expect(telegramHtml(parse('[press](javascript:alert(1)) ![pic](https://e.org/p.png)'))).toBe(
      'press (javascript:alert(1)) <a href="https://e.org/p.png">pic</a>',
    );
    expect(telegramHtml(parse('[x](<https://e.org/"onclick=>)'))).not.toContain('"onclick');
  });

  it('is given tags that close, whatever is written', () => {
    fc.assert(
      fc.property(hostile, (markdown) => {
        const html = telegramHtml(parse(markdown));
        const open: string[] = [];
        for (const [, end, tag = ''] of html.matchAll(/<(\/?)([a-z]+)[^>]*>/g)) {
          if (end === '') open.push(tag);
          else expect(open.pop()).toBe(tag);
        }
        expect(open).toEqual([]);
        expect(html.replace(/<\/?(?:b|i|s|code|pre|blockquote|a)(?: (?:class|href)="[^"<>]*")?>/g, '')).not.toMatch(
          /[<>]/,
        );
      }),
    );
  });
});

describe('Slack', () => {
  it('is given rich text, in which text is nothing but text', () => {
    const [block] = slackBlocks(parse(REPLY));
    expect(block?.elements.map(({ type }) => type)).toEqual([
      'rich_text_section',
      'rich_text_list',
      'rich_text_list',
      'rich_text_list',
      'rich_text_quote',
      'rich_text_preformatted',
      'rich_text_preformatted',
      'rich_text_section',
    ]);
    expect(block?.elements[0]?.elements).toContainEqual({ type: 'text', text: 'nine', style: { bold: true } });
    expect(block?.elements[2]).toMatchObject({ style: 'ordered', indent: 1 });
    expect(slackBlocks(parse('<!channel> <@U1>'))[0]?.elements).toEqual([
      { type: 'rich_text_section', elements: [{ type: 'text', text: '<!channel> <@U1>' }] },
    ]);
    expect(slackBlocks(parse(''))).toEqual([]);
  });

  it('goes on counting after a list within a list', () => {
    const lists = slackBlocks(parse('1. a\n   - b\n2. c'))[0]?.elements;
    expect(lists).toMatchObject([
      { style: 'ordered' },
      { style: 'bullet', indent: 1 },
      { style: 'ordered', offset: 1 },
    ]);
  });

  it('is given no element without text, which it would refuse', () => {
    fc.assert(
      fc.property(hostile, (markdown) => {
        expect(JSON.stringify(slackBlocks(parse(markdown)))).not.toMatch(/"text":""|"elements":\[\]/);
      }),
    );
  });

  it('is given mrkdwn whose angles are its own', () => {
    expect(markedText(parse('**a** <!channel> [x|y](https://e.org/a|b) & _b_'), SLACK_MRKDWN)).toBe(
      '*a* &lt;!channel&gt; <https://e.org/a%7Cb|x¦y> &amp; _b_',
    );
  });
});

describe('others', () => {
  it('plain text reads without marks', () => {
    expect(markedText(parse(REPLY), PLAIN)).toBe(
      'Tides\n\nHigh at nine, low at ten three; see the table (https://example.com/a_b?c=1&d=2).\nA second line.\n\n' +
        '• one\n  1. inner\n• two\n\n> said & done\n\nif (a < b && c > d) return "*_x_*";\n\nport | time\nA | 9\n\n———',
    );
    expect(markedText(parse('<https://e.org> [https://e.org](https://e.org)'), PLAIN)).toBe(
      'https://e.org https://e.org',
    );
  });

  it('WhatsApp has marks of its own', () => {
    expect(markedText(parse('**a b** _c_ ~~d~~\n\n```js\nx\n```'), WHATSAPP)).toBe('*a b* _c_ ~d~\n\n```\nx\n```');
  });

  it('Matrix has HTML with lists and tables', () => {
    expect(matrixHtml(parse('a **b**\nc\n\n3. x\n4. y\n\n|h|\n|-|\n|<i>|'))).toBe(
      '<p>a <b>b</b><br>c</p><ol start="3"><li>x</li><li>y</li></ol>' +
        '<table><thead><tr><th>h</th></tr></thead><tbody><tr><td>&lt;i&gt;</td></tr></tbody></table>',
    );
  });

  it('Discord has Markdown, without calls to all and what it does not know', () => {
    const text = '**a** _b_ ||c||\n> q\n- x\n\n```\n@everyone in code\n```';
    expect(discordMarkdown(text, parse)).toBe(text);
    expect(discordMarkdown('hey @everyone and @here', parse)).toBe('hey @\u200beveryone and @\u200bhere');
    expect(discordMarkdown('a\n\n| p | t |\n|---|---|\n| A | 9 |\n\nb', parse)).toBe(
      'a\n\n```\np | t\nA | 9\n```\n\nb',
    );
    expect(discordMarkdown('#### Four\ntext\n\nTwo\n---\n', parse)).toBe('### Four\ntext\n\n## Two\n');
  });

  it('loses no word, however deep things are nested', () => {
    for (const deep of [
      `${'> '.repeat(500)}word`,
      `${'- '.repeat(500)}word`,
      `${'*a '.repeat(300)}word${'*'.repeat(300)}`,
    ])
      for (const render of [telegramHtml, matrixHtml, (all: ReturnType<ParseMarkdown>) => markedText(all, PLAIN)])
        expect(render(parse(deep))).toContain('word');
  });

  it('is done soon with what is made to take long', () => {
    for (const text of ['['.repeat(20_000), '> '.repeat(9_000), '**a _b '.repeat(3_000), '|a'.repeat(5_000)])
      expect(telegramHtml(parse(text)).length).toBeGreaterThan(10);
  });
});

const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '**',
        '_',
        '~~',
        '`',
        '```\n',
        '[',
        '](',
        ')',
        '![',
        '<',
        '>',
        '&',
        '"',
        '\n',
        '\n\n',
        '- ',
        '1. ',
        '> ',
      ),
      fc.constantFrom(
        '<b>',
        '</pre>',
        '&lt;',
        '|',
        '\n|-|\n',
        '# ',
        '    ',
        '\\',
        'https://e.org',
        '<https://e.org>',
        '[]()',
      ),
      fc.string({ maxLength: 8 }),
    ),
    { maxLength: 40 },
  )
  .map((all) => all.join(''));
