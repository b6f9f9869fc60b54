// SPDX-License-Identifier: Apache-2.0
// The pages about channels: every snippet is a configuration that runs, every secret in one is hidden, and the table is true.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { makeAdapter } from '../../src/composition/channel-adapters.ts';
import { CHANNEL_TYPES } from '../../src/composition/channel-types.ts';
import { ConfigSchema } from '../../src/config/schema.ts';
import { namesSecret } from '../../src/config/show.ts';
import { ERRORS } from '../../src/errors.ts';
import { realWorld } from './real-world.ts';

const FOLDER = new URL('../../docs/channels/', import.meta.url);
const PAGES = readdirSync(FOLDER).sort();
const read = (page: string): string => readFileSync(new URL(page, FOLDER), 'utf8');
const snippets = PAGES.flatMap((page) =>
  [...read(page).matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = ''], at) => ({ page, at: at + 1, text })),
);

/** What a reference may lead to, where an adapter is made. */
async function adapterOf(name: string, entry: Readonly<Record<string, unknown>>) {
  return makeAdapter(String(entry['type'] ?? name), entry, realWorld);
}

describe('the pages', () => {
  it('are one for each platform, and each has a snippet', () => {
    const expected = [...CHANNEL_TYPES, 'http-and-cli'].map((type) => `${type}.md`);
    expect(PAGES.filter((page) => page !== 'README.md')).toEqual(expected.sort());
    expect(new Set(snippets.map(({ page }) => page))).toEqual(new Set(PAGES));
  });

  it.each(snippets)('snippet $at of $page can be used as it is', async ({ page, text }) => {
    const document = parseDocument(text, { uniqueKeys: true });
    expect(document.errors.concat(document.warnings)).toEqual([]);
    const config = ConfigSchema.parse(document.toJS());
    const channels = Object.entries(config.channels);
    expect(channels.length > 0).toBe(page !== 'http-and-cli.md');
    for (const [name, entry] of channels) {
      const adapter = await adapterOf(name, entry);
      expect(adapter.capabilities.maxMessageLength).toBeGreaterThan(0);
      // What is kept as a secret must be shown as one nowhere.
      for (const [key, value] of Object.entries(entry))
        if (typeof value === 'string' && /^(?:keyring:|\$\{)/.test(value))
          expect([key, namesSecret(key)]).toEqual([key, true]);
    }
  });

  it('lead nowhere that is not there', () => {
    for (const page of PAGES)
      for (const [, link = ''] of read(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#[^)\s]*)?\)/g))
        expect(link === '' || readFileSync(new URL(link, FOLDER), 'utf8') !== '', `${page}: ${link}`).toBe(true);
  });

  it('name codes there are', () => {
    for (const page of PAGES)
      for (const [, code = ''] of read(page).matchAll(/^\|[^|\n]*`([a-z]+_[a-z_]+)`/gm))
        if (/^(?:channel_|rate_|not_|payload_|unauth|misdirected)/.test(code))
          expect(Object.keys(ERRORS)).toContain(code);
  });

  it('are set up in under ten steps', () => {
    for (const page of PAGES) expect([page, /^10\. /m.test(read(page))]).toEqual([page, false]);
  });
});

describe('the table of the overview', () => {
  const rows = [...read('README.md').matchAll(/^\| \[[^\]]+\]\(([a-z]+)\.md\) \| (.+) \|$/gm)].map(
    ([, type = '', cells = '']) => [type, cells.split(' | ')] as const,
  );

  it('has every platform', () => {
    expect(rows.map(([type]) => type).sort()).toEqual([...CHANNEL_TYPES].sort());
  });

  it.each(rows)('is true of %s', async (type, cells) => {
    const [, , threads, files, grows, typing, longest, twice] = cells;
    const entry = snippets.find(({ page }) => page === `${type}.md`)?.text ?? '';
    const [channel] = Object.entries(ConfigSchema.parse(parseDocument(entry).toJS()).channels);
    if (channel === undefined) throw new Error(`no snippet of ${type}`);
    const { capabilities } = await adapterOf(...channel);
    const yes = (cell = ''): boolean => cell !== 'no' && cell !== 'on request' && cell !== '–';
    expect({
      threads: yes(threads),
      media: yes(files),
      editing: yes(grows),
      typing: yes(typing),
      maxMessageLength: Number((longest ?? '').replace(',', '')),
      dedupe: twice === 'may be' ? 'none' : twice === 'looked up first' ? 'lookup' : 'window',
    }).toEqual({
      threads: capabilities.threads,
      media: capabilities.media,
      editing: capabilities.editing,
      typing: capabilities.typing,
      maxMessageLength: capabilities.maxMessageLength,
      dedupe: capabilities.dedupe,
    });
  });
});
