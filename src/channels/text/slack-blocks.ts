// SPDX-License-Identifier: Apache-2.0
// Markdown as Slack's rich text (https://docs.slack.dev/reference/block-kit/blocks/rich-text-block): what is text there can
// be no mark and no call to anybody, which mrkdwn, having no escape for its marks, cannot promise.

import { type Block, type Inline, tableLines, wordsOf } from './document.ts';
import { pressable } from './links.ts';

export interface SlackStyle {
  readonly bold?: true;
  readonly italic?: true;
  readonly strike?: true;
  readonly code?: true;
}

export type SlackInline =
  | { readonly type: 'text'; readonly text: string; readonly style?: SlackStyle }
  | { readonly type: 'link'; readonly url: string; readonly text?: string; readonly style?: SlackStyle };

export interface SlackSection {
  readonly type: 'rich_text_section';
  readonly elements: readonly SlackInline[];
}

export type SlackElement =
  | SlackSection
  | { readonly type: 'rich_text_preformatted'; readonly elements: readonly SlackInline[] }
  | { readonly type: 'rich_text_quote'; readonly elements: readonly SlackInline[] }
  | {
      readonly type: 'rich_text_list';
      readonly style: 'bullet' | 'ordered';
      readonly indent: number;
      readonly offset?: number;
      readonly elements: readonly SlackSection[];
    };

export interface SlackRichText {
  readonly type: 'rich_text';
  readonly elements: readonly SlackElement[];
}

/** Lists within lists that Slack moves in, at most. */
const INDENT = 8;

/** @returns the blocks of a message; none where nothing is to be shown */
export function slackBlocks(blocks: readonly Block[]): readonly SlackRichText[] {
  const elements = joined(blocks.flatMap((block) => slackElements(block, 0)));
  return elements.length === 0 ? [] : [{ type: 'rich_text', elements }];
}

/** Sections stand without room between them, so those that follow each other are one, with an empty line where each ended. */
function joined(elements: readonly SlackElement[]): readonly SlackElement[] {
  const all: SlackElement[] = [];
  for (const one of elements) {
    const last = all.at(-1);
    if (one.type === 'rich_text_section' && last?.type === 'rich_text_section')
      all[all.length - 1] = { ...one, elements: [...last.elements, { type: 'text', text: '\n\n' }, ...one.elements] };
    else all.push(one);
  }
  return all;
}

function slackElements(block: Block, indent: number): readonly SlackElement[] {
  switch (block.kind) {
    case 'paragraph':
      return section(inlines(block.children, {}));
    case 'heading':
      return section(inlines(block.children, { bold: true }));
    case 'rule':
      return section([{ type: 'text', text: '———' }]);
    case 'code':
      return preformatted(block.text);
    case 'table':
      return preformatted(tableLines(block).join('\n'));
    case 'quote':
      return quote(block.children);
    case 'list':
      return list(block, indent);
  }
}

function section(elements: readonly SlackInline[]): readonly SlackSection[] {
  return elements.length === 0 ? [] : [{ type: 'rich_text_section', elements }];
}

/** An element without text is refused, so there is none. */
function preformatted(text: string): readonly SlackElement[] {
  return text === '' ? [] : [{ type: 'rich_text_preformatted', elements: [{ type: 'text', text }] }];
}

/** A quote has words only: what else is in it becomes words. */
function quote(blocks: readonly Block[]): readonly SlackElement[] {
  const elements = blocks.flatMap((block, at): readonly SlackInline[] => {
    const words = slackElements(block, 0).flatMap(wordsIn);
    return at === 0 || words.length === 0 ? words : [{ type: 'text', text: '\n\n' }, ...words];
  });
  return elements.length === 0 ? [] : [{ type: 'rich_text_quote', elements }];
}

function wordsIn(element: SlackElement): readonly SlackInline[] {
  if (element.type !== 'rich_text_list') return element.elements;
  return element.elements.flatMap((item, at): readonly SlackInline[] => {
    const bullet = element.style === 'bullet' ? '• ' : `${(element.offset ?? 0) + at + 1}. `;
    return [{ type: 'text', text: `${at === 0 ? '' : '\n'}${bullet}` }, ...item.elements];
  });
}

/** A list within an item, or code, ends the list around it: what follows goes on with its number. */
function list(block: Extract<Block, { kind: 'list' }>, indent: number): readonly SlackElement[] {
  const elements: SlackElement[] = [];
  let run: SlackSection[] = [];
  let first = 0;
  const end = (next: number): void => {
    const style = block.start === null ? 'bullet' : 'ordered';
    const offset = (block.start ?? 1) - 1 + first;
    const more = style === 'ordered' && offset > 0 ? { offset } : {};
    if (run.length > 0) elements.push({ type: 'rich_text_list', style, indent, ...more, elements: run });
    run = [];
    first = next;
  };
  block.items.forEach((item, at) => {
    const words: SlackInline[] = [];
    const others: SlackElement[] = [];
    for (const one of item) {
      const made = slackElements(one, Math.min(indent + 1, INDENT));
      for (const element of made) {
        if (element.type !== 'rich_text_section' || others.length > 0) others.push(element);
        else words.push(...(words.length === 0 ? [] : [{ type: 'text', text: '\n' } as const]), ...element.elements);
      }
    }
    run.push({ type: 'rich_text_section', elements: words.length === 0 ? [{ type: 'text', text: ' ' }] : words });
    if (others.length === 0) return;
    end(at + 1);
    elements.push(...others);
  });
  end(block.items.length);
  return elements;
}

function inlines(children: readonly Inline[], style: SlackStyle): readonly SlackInline[] {
  const styled = Object.keys(style).length === 0 ? {} : { style };
  return children.flatMap((one): readonly SlackInline[] => {
    switch (one.kind) {
      case 'text':
        return one.text === '' ? [] : [{ type: 'text', text: one.text, ...styled }];
      case 'code':
        return one.text === '' ? [] : [{ type: 'text', text: one.text, style: { ...style, code: true } }];
      case 'break':
        return [{ type: 'text', text: '\n' }];
      case 'link':
        return link(one.url, wordsOf(one.children), styled);
      case 'image':
        return link(one.url, one.alt, styled);
      default:
        return inlines(one.children, { ...style, [one.kind]: true });
    }
  });
}

function link(url: string, words: string, styled: { readonly style?: SlackStyle }): readonly SlackInline[] {
  const safe = pressable(url);
  if (safe !== null) return [{ type: 'link', url: safe, ...(words === '' ? {} : { text: words }), ...styled }];
  const text = words === '' || words === url ? url : `${words} (${url})`;
  return text === '' ? [] : [{ type: 'text', text, ...styled }];
}
