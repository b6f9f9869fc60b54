// SPDX-License-Identifier: Apache-2.0
// Markdown as lines of text with marks around words: none (IRC, XMPP, e-mail), or a platform's few (WhatsApp, Slack's mrkdwn).

import { type Block, type Inline, tableLines } from './document.ts';
import { pressable } from './links.ts';

/** What a platform's marks are. */
export interface Marks {
  readonly bold: string;
  readonly italic: string;
  readonly strike: string;
  readonly code: string;
  /** Around lines of code. */
  readonly fence: string;
  /** Before each line of a quote. */
  readonly quote: string;
  /** Text as it must be written to be read as itself. */
  readonly escape: (text: string) => string;
  /** @param text already escaped */
  readonly link: (url: string, text: string) => string;
}

const asText = (url: string, text: string): string =>
  text === url || text === '' || `mailto:${text}` === url ? text || url : `${text} (${url})`;

export const PLAIN: Marks = {
  bold: '',
  italic: '',
  strike: '',
  code: '',
  fence: '',
  quote: '> ',
  escape: (text) => text,
  link: asText,
};

/** https://faq.whatsapp.com/539178204879377: there is no way to write a mark that is none, so words keep theirs. */
export const WHATSAPP: Marks = {
  ...PLAIN,
  bold: '*',
  italic: '_',
  strike: '~',
  code: '`',
  fence: '```',
};

/** Everything that Slack reads between `<` and `>` is a link or a call to somebody; escaped it is neither. */
const slackEscape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

export const SLACK_MRKDWN: Marks = {
  ...WHATSAPP,
  escape: slackEscape,
  link: (url, text) => {
    const safe = pressable(url);
    if (safe === null) return asText(slackEscape(url), text);
    return `<${slackEscape(safe).replaceAll('|', '%7C')}|${text.replaceAll('|', '¦') || slackEscape(safe)}>`;
  },
};

/** @returns the text, its blocks apart by an empty line, as a person reads it where nothing but the marks is shown */
export function markedText(blocks: readonly Block[], marks: Marks): string {
  return blocks.map((block) => blockText(block, marks)).join('\n\n');
}

function blockText(block: Block, marks: Marks): string {
  switch (block.kind) {
    case 'paragraph':
      return inlineText(block.children, marks);
    case 'heading':
      return around(inlineText(block.children, marks), marks.bold);
    case 'code': {
      const text = marks.escape(block.text);
      return marks.fence === '' ? text : `${marks.fence}\n${text}\n${marks.fence}`;
    }
    case 'quote':
      return markedText(block.children, marks)
        .split('\n')
        .map((line) => `${marks.quote}${line}`.trimEnd())
        .join('\n');
    case 'rule':
      return '———';
    case 'list':
      return block.items
        .map((item, at) => {
          const bullet = block.start === null ? '• ' : `${block.start + at}. `;
          const indent = ' '.repeat(bullet.length);
          const text = item.map((one) => blockText(one, marks)).join('\n');
          return `${bullet}${text.replaceAll('\n', `\n${indent}`)}`;
        })
        .join('\n');
    case 'table': {
      const text = marks.escape(tableLines(block).join('\n'));
      return marks.fence === '' ? text : `${marks.fence}\n${text}\n${marks.fence}`;
    }
  }
}

function inlineText(children: readonly Inline[], marks: Marks): string {
  return children
    .map((one) => {
      switch (one.kind) {
        case 'text':
          return marks.escape(one.text);
        case 'code':
          return around(marks.escape(one.text), marks.code);
        case 'break':
          return '\n';
        case 'link':
          return marks.link(one.url, inlineText(one.children, marks));
        case 'image':
          return marks.link(one.url, marks.escape(one.alt));
        default:
          return around(inlineText(one.children, marks), marks[one.kind]);
      }
    })
    .join('');
}

/** Marks that enclose nothing, or end a line, would be shown themselves. */
function around(text: string, mark: string): string {
  if (mark === '' || text.trim() === '' || text.includes('\n')) return text;
  const [, before = '', inner = '', after = ''] = /^(\s*)(.*?)(\s*)$/s.exec(text) ?? [];
  return `${before}${mark}${inner}${mark}${after}`;
}
