// SPDX-License-Identifier: Apache-2.0
// Full-text search of a workspace's memory: what is found, in which order, what is shown of it, and that any text is safe.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SearchBody } from '../../src/stores/memory-queries.ts';
import { type AddedMessage, storeWorkspace, type WorkspaceRecord } from '../../src/stores/workspace-records.ts';
import { usualRuns } from '../drawn.ts';
import { codeOf } from './manual-clock.ts';
import { asksTools, replied, returned, SessionLog } from './session-log.ts';
import { StoreHouse } from './store-house.ts';

/** A workspace's stream: keeps its number, gives the next append. */
class WorkspaceLog {
  readonly #id: string;
  #n = 0;

  constructor(id: string) {
    this.#id = id;
  }

  next(...records: readonly WorkspaceRecord[]) {
    const n = this.#n + 1;
    this.#n += records.length;
    const items = [{ at: 1, records: records.map(storeWorkspace), owes: [], settles: [] }];
    return { stream: `workspace/${this.#id}`, workspace_id: this.#id, n, items };
  }
}

let count = 0;
const message = (content: string, more: Partial<AddedMessage> = {}): AddedMessage => ({
  id: `m${++count}`,
  session_id: 's1',
  turn_id: 't',
  user_id: 'ada',
  role: 'user',
  origin: 'user_input',
  content,
  at: count * 1_000,
  ...more,
});

/** A house with these messages in the workspace `home`. */
function houseOf(...messages: readonly AddedMessage[]): StoreHouse {
  const house = new StoreHouse().open();
  const log = new WorkspaceLog('home');
  house.append(log.next({ type: 'messages_added', messages }));
  return house;
}

function search(
  house: StoreHouse,
  text: string,
  more: Partial<SearchBody & { kinds: ['tool'] | ['remembered'] }> = {},
) {
  return house.read('memory.search', { workspace_id: 'home', text, match: 'all', page: { limit: 50 }, ...more });
}

const contents = (found: { readonly items: readonly { readonly content: string }[] }): string[] =>
  found.items.map(({ content }) => content);

describe('what is found', () => {
  const texts = [
    'The STRASSE is long',
    'die Straße ist lang, die Häuser hoch',
    `100%_"' OR 1=1 -- foo_bar`,
    'ΟΔΟΣ και θάλασσα',
    '🦊 fox with 👩‍🚀',
    '東京タワーへ行きました',
    'วันนี้อากาศดีมาก',
    'שָׁלוֹם עולם',
    'مَرْحَبًا بالعالم',
    'Dampfschifffahrt auf der Donau',
    'ｶﾞｷﾞｸﾞ half width',
    '안녕하세요 세계',
    'e\u0301te\u0301 and été',
    'a message with \u0000 in it and \ud800 too',
  ];
  let house: StoreHouse;
  beforeAll(() => {
    house = houseOf(...texts.map((text) => message(text)));
  });
  afterAll(() => house.remove());

  it.each([
    ['straße', [0, 1]],
    ['STRASSE', [0, 1]],
    ['haus', [1]],
    ['hauser', [1]],
    ['οδος', [3]],
    ['θαλασσα', [3]],
    ['🦊', [4]],
    ['👩', [4]],
    ['東京', [5]],
    ['タワー', [5]],
    ['京東', []],
    ['อากาศ', [6]],
    ['שלום', [7]],
    ['مرحبا', [8]],
    ['dampf', [9]],
    ['donau dampf', [9]],
    ['ガギ', [10]],
    ['안녕하세요', [11]],
    ['ETE', [12]],
    ['foo_bar', [2]],
    ['bar_foo', []],
    ['"is long"', [0]],
    ['"long is"', []],
    ['“is long', [0]],
    ['nothing', []],
    ['', []],
    ['?!"\'*()^:', []],
    ['message too', [13]],
  ])('%j', (text, found) => {
    expect(contents(search(house, text)).map((content) => texts.indexOf(content.replace('\ufffd', '\ud800')))).toEqual(
      found,
    );
  });

  it.each([
    '"',
    '""',
    'a OR b AND NOT c NEAR(d e, 2)',
    'NEAR',
    'words : x',
    'scope : "ktool"',
    '{words} : x',
    '*',
    'fox*',
    '^fox',
    '-fox +fox',
    'x'.repeat(1_000_000),
    'fox '.repeat(250_000),
    '\u0000',
    '\ud800\udfff\ud800',
    '\u202efox\u202c',
    "'; DROP TABLE messages; --",
  ])('is safe with %j', (text) => {
    const asked = house.asks('memory.search', { workspace_id: 'home', text, match: 'any', page: { limit: 50 } });
    house.clock.settle();
    expect(codeOf(asked)).toBe('ok');
  });

  it('is safe with any text, and finds a message by any of its words', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        search(house, text, { match: 'any' });
      }),
      { numRuns: usualRuns(1_000) },
    );
    for (const text of texts) {
      for (const word of text.match(/[\p{L}\p{N}\p{M}]+/gu) ?? [])
        expect(contents(search(house, word))).not.toEqual([]);
    }
  });
});

describe('order', () => {
  it('puts what says more of it first, and the newer first among equals', () => {
    const house = houseOf(
      message('apple pie'),
      message('an apple a day keeps the doctor away, says my aunt, who never liked doctors much'),
      message('apple apple apple'),
      message('apple jam'),
    );
    expect(contents(search(house, 'apple')).slice(0, 3)).toEqual(['apple apple apple', 'apple jam', 'apple pie']);
    house.remove();
  });

  it('counts a rare word more than a common one', () => {
    const common = Array.from({ length: 60 }, (_, at) => message(`weather report ${at} weather`));
    const house = houseOf(message('weather with one aardvark'), ...common, message('aardvark in bad weather weather'));
    const found = contents(search(house, 'weather aardvark', { match: 'any' }));
    expect(found.slice(0, 2).every((content) => content.includes('aardvark'))).toBe(true);
    expect(found.length).toBe(50);
    house.remove();
  });

  it('has all words first, then other forms, then some of the words', () => {
    const house = houseOf(message('green'), message('green teas'), message('green tea'), message('tea'));
    expect(contents(search(house, 'green tea'))).toEqual(['green tea', 'green teas']);
    const any = contents(search(house, 'green tea', { match: 'any' }));
    expect(any.slice(0, 2)).toEqual(['green tea', 'green teas']);
    expect(any.slice(2).sort()).toEqual(['green', 'tea']);
    house.remove();
  });

  it('is the same over all pages while messages are added and taken away', () => {
    const house = houseOf(...Array.from({ length: 30 }, (_, at) => message(`pear ${at}`)));
    const all = contents(search(house, 'pear', { page: { limit: 200 } }));
    const seen: string[] = [];
    let cursor: string | undefined;
    const log = new WorkspaceLog('other');
    do {
      const page = search(house, 'pear', { page: { limit: 7, cursor } });
      seen.push(...contents(page));
      cursor = page.next_cursor ?? undefined;
      house.append({
        ...log.next({ type: 'messages_added', messages: [message('pear pear pear')] }),
        workspace_id: 'home',
      });
    } while (cursor !== undefined);
    expect(seen).toEqual(all);
    const wrong = house.asks('memory.search', {
      workspace_id: 'home',
      text: 'pear',
      match: 'all',
      page: { limit: 7, cursor: 'nonsense' },
    });
    house.clock.settle();
    expect(codeOf(wrong)).toBe('validation_failed');
    house.remove();
  });

  it('ranks the newest of very many', () => {
    const house = houseOf(...Array.from({ length: 900 }, (_, at) => message(`plum ${at}`)));
    const found = search(house, 'plum', { page: { limit: 200 } });
    expect(found.items).toHaveLength(200);
    expect(found.items[0]?.content).toBe('plum 899');
    house.remove();
  });
});

describe('what it is narrowed to', () => {
  it('is a user, a session, a time, and what was said', () => {
    const house = houseOf(
      message('figs one', { at: 1_000 }),
      message('figs two', { user_id: 'ben', session_id: 's2', at: 2_000 }),
      message('figs three', { role: 'assistant', at: 3_000 }),
      message('figs four', { role: 'tool', tool_name: 'web_fetch', at: 4_000 }),
      message('figs five', { role: 'tool', tool_name: 'memory_search', at: 5_000 }),
      message('figs six', { role: 'tool', tool_name: 'memory_remember', at: 6_000 }),
      message('figs seven', { role: 'system', at: 7_000 }),
    );
    const found = (more: Parameters<typeof search>[2]) => contents(search(house, 'figs', more)).sort();
    const usual = { kinds: ['user', 'assistant'] as never };
    expect(found(usual)).toEqual(['figs one', 'figs three', 'figs two']);
    expect(found({ ...usual, user_id: 'ben' })).toEqual(['figs two']);
    expect(found({ ...usual, session_id: 's2' })).toEqual(['figs two']);
    expect(found({ ...usual, session_id: 'S2' })).toEqual([]);
    expect(found({ ...usual, user_id: 'Ben' })).toEqual([]);
    expect(found({ ...usual, from: 2_000, to: 3_000 })).toEqual(['figs two']);
    expect(found({ kinds: ['tool'] })).toEqual(['figs four']);
    expect(found({ kinds: ['remembered'] })).toEqual(['figs six']);
    expect(found({})).toEqual(['figs four', 'figs one', 'figs seven', 'figs six', 'figs three', 'figs two']);
    expect(contents(search(house, 'figs', { workspace_id: 'other' }))).toEqual([]);
    expect(contents(search(house, 'figs', { workspace_id: '../home' }))).toEqual([]);
    // A cursor of somebody else's search shows nothing of theirs.
    const { next_cursor } = search(house, 'figs', { ...usual, page: { limit: 1 } });
    const taken = search(house, 'figs', { ...usual, user_id: 'eve', page: { limit: 9, cursor: next_cursor ?? '' } });
    expect(taken.items).toEqual([]);
    house.remove();
  });

  it('comes from sessions too, where a reply belongs to whom it answers', () => {
    const house = new StoreHouse().open();
    const log = new SessionLog('s1', 'home', 'ada');
    house.append(log.create(), log.next(log.receive('where are my keys?', 't1')));
    house.append(log.next(asksTools('t1', 1, 'let me see the keys'), returned('t1', 'keys: none')));
    house.append(log.next(replied('t1', 2, 'The keys are lost.')));
    const found = search(house, 'keys', { user_id: 'ada', kinds: ['user', 'assistant'] as never });
    expect(contents(found).sort()).toEqual(['The keys are lost.', 'let me see the keys', 'where are my keys?']);
    expect(found.items.find(({ content }) => content.startsWith('let'))).toMatchObject({
      session_id: 's1',
      turn_id: 't1',
      user_id: 'ada',
      role: 'assistant',
      tool_calls: [{ name: 'look' }],
    });
    house.remove();
  });
});

describe('what is shown', () => {
  it('has the words in it, with their places, in messages of any length', () => {
    const long = `${'filler words, many of them. '.repeat(40_000)}Here is the Quince 🦊 at last. ${'more. '.repeat(50)}`;
    const house = houseOf(message(`quince ${'🦊'.repeat(300)}`), message(long), message('a QUINCE, and a quince'));
    for (const { content, snippet } of search(house, 'quince').items) {
      expect(snippet.marks.length).toBeGreaterThan(0);
      for (const [from, to] of snippet.marks) expect(snippet.text.slice(from, to).toLowerCase()).toBe('quince');
      expect(snippet.text.isWellFormed()).toBe(true);
      expect(snippet.text.length).toBeLessThan(250);
      expect(content).toContain(snippet.text.replaceAll('…', ''));
    }
    house.remove();
  });
});
