// SPDX-License-Identifier: Apache-2.0
// Markdown as the HTML that Telegram and Matrix take, each with what it knows; everything else is degraded to text.

import { type Block, type Inline, tableLines } from './document.ts';
import { pressable } from './links.ts';

export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** Around marked words, in both. */
const TAGS = { bold: 'b', italic: 'i', strike: 's' } as const;

function inlineHtml(children: readonly Inline[], line: string): string {
  return children
    .map((one) => {
      switch (one.kind) {
        case 'text':
          return escapeHtml(one.text);
        case 'code':
          return `<code>${escapeHtml(one.text)}</code>`;
        case 'break':
          return line;
        case 'link':
          return link(one.url, inlineHtml(one.children, line));
        case 'image':
          return link(one.url, escapeHtml(one.alt));
        default:
          return `<${TAGS[one.kind]}>${inlineHtml(one.children, line)}</${TAGS[one.kind]}>`;
      }
    })
    .join('');
}

/** @param inner HTML */
function link(url: string, inner: string): string {
  const safe = pressable(url);
  const shown = inner === '' ? escapeHtml(url) : inner;
  if (safe === null) return inner === '' || inner === escapeHtml(url) ? shown : `${shown} (${escapeHtml(url)})`;
  // A link within a link is none: the outer one wins.
  return `<a href="${escapeHtml(safe)}">${shown.replace(/<\/?a\b[^>]*>/g, '')}</a>`;
}

/**
 * For `parse_mode: HTML` (https://core.telegram.org/bots/api#html-style), which knows neither paragraphs nor lists: lines and
 * bullets stand for them. A quote within a quote or code within a heading is not taken there, so each is flattened.
 */
export function telegramHtml(blocks: readonly Block[]): string {
  return blocks.map((block) => telegramBlock(block, false)).join('\n\n');
}

function telegramBlock(block: Block, quoted: boolean): string {
  switch (block.kind) {
    case 'paragraph':
      return inlineHtml(block.children, '\n');
    case 'heading':
      return `<b>${inlineHtml(block.children, '\n').replace(/<\/?(?:b|code)>/g, '')}</b>`;
    case 'code': {
      const language = /^[\w+#.-]{1,40}$/.exec(block.language)?.[0];
      const text = escapeHtml(block.text);
      return language === undefined
        ? `<pre>${text}</pre>`
        : `<pre><code class="language-${escapeHtml(language)}">${text}</code></pre>`;
    }
    case 'quote': {
      const inner = block.children.map((one) => telegramBlock(one, true)).join('\n\n');
      return quoted ? inner : `<blockquote>${inner}</blockquote>`;
    }
    case 'rule':
      return '———';
    case 'list':
      return block.items
        .map((item, at) => {
          const bullet = block.start === null ? '• ' : `${block.start + at}. `;
          const text = item.map((one) => telegramBlock(one, true)).join('\n');
          return bullet + indented(text, ' '.repeat(bullet.length));
        })
        .join('\n');
    case 'table':
      return `<pre>${escapeHtml(tableLines(block).join('\n'))}</pre>`;
  }
}

/** Lines after the first moved in, but those of code, which are as they are written. */
function indented(html: string, by: string): string {
  return html
    .split(/(<pre>[\s\S]*?<\/pre>)/)
    .map((piece) => (piece.startsWith('<pre>') ? piece : piece.replaceAll('\n', `\n${by}`)))
    .join('');
}

/** For `org.matrix.custom.html`: of what its specification lets a client show, what Markdown has. */
export function matrixHtml(blocks: readonly Block[]): string {
  return blocks.map(matrixBlock).join('');
}

function matrixBlock(block: Block): string {
  switch (block.kind) {
    case 'paragraph':
      return `<p>${inlineHtml(block.children, '<br>')}</p>`;
    case 'heading':
      return `<h${block.level}>${inlineHtml(block.children, '<br>')}</h${block.level}>`;
    case 'code': {
      const language = /^[\w+#.-]{1,40}$/.exec(block.language)?.[0];
      const attribute = language === undefined ? '' : ` class="language-${escapeHtml(language)}"`;
      return `<pre><code${attribute}>${escapeHtml(block.text)}\n</code></pre>`;
    }
    case 'quote':
      return `<blockquote>${matrixHtml(block.children)}</blockquote>`;
    case 'rule':
      return '<hr>';
    case 'list': {
      const tag = block.start === null ? 'ul' : 'ol';
      const start = block.start === null || block.start === 1 ? '' : ` start="${block.start}"`;
      return `<${tag}${start}>${block.items.map(matrixItem).join('')}</${tag}>`;
    }
    case 'table': {
      const row = (cells: readonly (readonly Inline[])[], tag: string) =>
        `<tr>${cells.map((cell) => `<${tag}>${inlineHtml(cell, '<br>')}</${tag}>`).join('')}</tr>`;
      const body = block.rows.map((cells) => row(cells, 'td')).join('');
      return `<table><thead>${row(block.header, 'th')}</thead><tbody>${body}</tbody></table>`;
    }
  }
}

/** An item's only paragraph needs no room of its own. */
function matrixItem(item: readonly Block[]): string {
  const [first, ...more] = item;
  if (first?.kind === 'paragraph') return `<li>${inlineHtml(first.children, '<br>')}${matrixHtml(more)}</li>`;
  return `<li>${matrixHtml(item)}</li>`;
}
