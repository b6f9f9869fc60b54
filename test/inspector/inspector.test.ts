// SPDX-License-Identifier: Apache-2.0
// The inspector in a real browser before a real gateway: what it shows, what it lights, how it is led, and what it never does.
// One gateway and one browser for all of it.

import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { closeHouses, type House, startHouse } from '../flow/house.ts';
import { browserInstalled, openPage, scrollRate, startBrowser, type Watched } from './browser.ts';
import { type ManyActors, manyActors } from './many-actors.ts';

const OWNER = { token: 'token-of-the-owner-0123456789', user_id: 'owner', name: 'Ada', permissions: ['admin:*'] };
const SETTINGS = { auth: { mode: 'none', tokens: [OWNER] } } as never;
const ACTORS = 5_000;

if (!browserInstalled) process.stdout.write('skipped: chromium not installed\n');

describe.skipIf(!browserInstalled)('the inspector', () => {
  let house: House;
  let browser: Browser;
  let base: string;
  const open: Watched[] = [];

  beforeAll(async () => {
    process.env['SIGIL_TEST_TOOLS'] = fileURLToPath(new URL('../flow/asking-tools.ts', import.meta.url));
    [house, browser] = await Promise.all([startHouse(SETTINGS), startBrowser()]);
    base = `http://127.0.0.1:${house.port}`;
  });
  afterAll(async () => {
    delete process.env['SIGIL_TEST_TOOLS'];
    await browser?.close();
    await closeHouses();
  });
  afterEach(async () => {
    for (const { context, wrong } of open.splice(0)) {
      await context.close();
      expect(wrong).toEqual([]);
    }
  });

  async function visit(hash = '', options: Parameters<typeof openPage>[2] = {}, at = base): Promise<Watched> {
    const watched = await openPage(browser, at, options);
    open.push(watched);
    await watched.page.goto(`${at}/debug${hash}`);
    return watched;
  }

  it('lists the actors of all threads, finds them, and leaves out what is not looked for', async () => {
    const { session_id } = (await house.owner.chat('hello')).body;
    const { page, asked } = await visit();
    await page.getByText('gateway/root').waitFor();
    await page.getByText(`session/${session_id}`).waitFor();
    const threads = await page.locator('.line-thread .thread-name').allInnerTexts();
    expect(threads.slice(0, 4)).toEqual(['main', 'journal', 'views', 'read']);
    const kind = page.getByLabel('Filter by kind');
    await kind.selectOption('provider');
    await page.getByText('gateway/root').waitFor({ state: 'detached' });
    await expect.poll(() => page.locator('.line-actor[aria-level]').count()).toBe(1);
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.keyboard.press('/');
    await page.keyboard.type(session_id.slice(0, 13));
    await page.getByText('gateway/root').waitFor({ state: 'detached' });
    await page.getByText(`session/${session_id}`).waitFor();
    await page.getByLabel('Filter by state').selectOption('running');
    await page.getByText('No actor is like that.').waitFor();
    expect(new Set(asked.filter((path) => !path.startsWith('/debug/assets/')))).toEqual(
      new Set(['/debug', '/auth/session', '/debug/actors', '/debug/actors/stream', '/api/v1/status']),
    );
  });

  it('follows a session through a turn: its state moves, its chart is lit, what fired glows, and the turn is a waterfall', async () => {
    const { session_id } = (await house.owner.chat('hello')).body;
    const { page } = await visit(`#/actors/session/${session_id}`);
    const lit = page.locator('.box.is-lit .box-name');
    await expect.poll(() => lit.allTextContents()).toEqual(['idle']);
    const stream = await house.owner.stream('what is 6*7?', { session_id });
    const { id } = (await stream.named('approval_requested')).data;
    await expect.poll(() => lit.allTextContents()).toEqual(['waiting_for_approval']);
    expect(await page.locator('.actor-head .state').innerText()).toBe('turn.waiting_for_approval');
    expect(await page.locator('.box.is-active .box-name').first().textContent()).toBe('turn');
    await page.locator('.wire.is-taken').first().waitFor({ state: 'attached' });
    // Only what happens while somebody looks glows.
    const glowed = page.locator('.wire.is-fired').first().waitFor({ state: 'attached' });
    await house.owner.post(`/api/v1/approvals/${id}`, { decision: 'approve' });
    await glowed;
    await stream.all();
    await expect.poll(() => lit.allTextContents()).toEqual(['idle']);
    await expect.poll(() => page.locator('.steps tbody tr').first().innerText()).toMatch(/written.*→\s*idle/s);
    // Nothing of what was said is shown unless it is asked for.
    expect(await page.locator('.panel').innerText()).not.toContain('what is 6*7?');
    await page.getByLabel('Show message text').check();
    await page.locator('.json', { hasText: 'what is 6*7?' }).waitFor();
    const { turn_id } = (await stream.named('turn_started')).data;
    await page.locator('.turn-links a', { hasText: turn_id }).click();
    await page.locator('.fall-row').first().waitFor();
    const names = await page.locator('.fall-name').allInnerTexts();
    expect(names).toEqual(
      expect.arrayContaining([
        'receive',
        'audit sigil/offline',
        'message_received channel/http',
        'tool_called calculator',
      ]),
    );
    await page.locator('.fall-row', { hasText: 'tool_returned' }).click();
    await page.locator('.fall-detail', { hasText: 'is_error' }).waitFor();
  });

  it('is led from the keyboard alone', async () => {
    const { page } = await visit();
    await page.getByText('gateway/root').waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.keyboard.press('j');
    await page.locator('.list:focus').waitFor();
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowLeft');
    await page.getByText('gateway/root').waitFor({ state: 'detached' });
    expect(await page.locator('[aria-expanded=false]').count()).toBe(1);
    await page.keyboard.press('ArrowRight');
    await page.getByText('gateway/root').waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForURL(/#\/actors\/budget\/global$/);
    await page.getByRole('heading', { name: 'budget/global' }).waitFor();
    await page.keyboard.press('Escape');
    await page.waitForURL(/#\/actors$/);
    for (const [key, title] of Object.entries({ t: 'Threads', b: 'Bus', u: 'Turns', a: 'Actors' })) {
      await page.keyboard.press('g');
      await page.keyboard.press(key);
      await page.locator('nav a[aria-current=page]', { hasText: title }).waitFor();
    }
  });

  it('shows threads and the bus in figures', async () => {
    await house.owner.chat('hello');
    const { page } = await visit('#/threads');
    const lane = page.locator('.thread-row', { hasText: 'lane-1' });
    await lane.locator('.spark-line').first().waitFor({ state: 'attached' });
    expect(await lane.innerText()).toMatch(/\d ms/);
    await page.locator('.thread-row', { hasText: 'io-1' }).getByText('resting').waitFor();
    await page.getByRole('link', { name: 'Bus' }).click();
    await expect.poll(() => page.locator('tr', { hasText: 'session' }).first().innerText()).toMatch(/session\s+[1-9]/);
    await page.getByRole('heading', { name: 'Dead letters' }).waitFor();
  });

  it('is dark where the system is, or somebody wants it, and stays so', async () => {
    const { page } = await visit('', { colorScheme: 'dark' });
    const paper = () => page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
    await page.getByText('gateway/root').waitFor();
    expect(await paper()).toBe('rgb(19, 21, 20)');
    await page.keyboard.press('d');
    await expect.poll(paper).toBe('rgb(251, 251, 250)');
    await page.reload();
    await page.getByText('gateway/root').waitFor();
    expect(await paper()).toBe('rgb(251, 251, 250)');
  });

  it('stands still while it is paused, and asks for nothing', async () => {
    const { session_id } = (await house.owner.chat('hello')).body;
    const { page, asked } = await visit(`#/actors/session/${session_id}`, { viewport: { width: 390, height: 844 } });
    const handled = page.locator('.facts div', { hasText: 'Handled' }).locator('dd');
    await handled.waitFor();
    const before = await handled.innerText();
    await page.keyboard.press('p');
    await page.getByRole('button', { name: 'Paused' }).waitFor();
    asked.length = 0;
    await house.owner.chat('hello', { session_id });
    await page.waitForTimeout(1_200);
    expect([await handled.innerText(), asked]).toEqual([before, []]);
    await page.keyboard.press('p');
    await expect.poll(() => handled.innerText()).not.toBe(before);
    expect(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  });

  it('signs in by a code, which is out of the address at once, or a token, and says what is missing', async () => {
    const watched = await openPage(browser, base);
    open.push(watched);
    const { page } = watched;
    let who: object | null = null;
    const tried: unknown[] = [];
    const problem = (status: number, detail: string) => ({
      status,
      contentType: 'application/problem+json',
      body: JSON.stringify({ status, detail, code: 'unauthenticated' }),
    });
    await page.route('**/auth/session', async (route) => {
      const request = route.request();
      if (request.method() === 'GET')
        return await route.fulfill(who === null ? problem(401, 'Nobody is signed in.') : { json: who });
      if (request.method() === 'DELETE') who = null;
      else {
        const by = request.postDataJSON() as { code?: string; token?: string };
        tried.push(by);
        if (by.code === 'used' || by.token === 'wrong') return await route.fulfill(problem(401, 'That is not known.'));
        who = {
          user_id: 'ada',
          name: 'Ada',
          permissions: by.token === 'poor' ? [] : ['admin:debug'],
          expires_at: null,
        };
      }
      return await route.fulfill({ status: 204 });
    });
    await page.goto(`${base}/debug#code=used`);
    await page.getByRole('alert').getByText('That is not known.').waitFor();
    expect(page.url()).not.toContain('used');
    await page.getByLabel('Token').fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect.poll(() => tried.length).toBe(2);
    await page.getByLabel('Token').fill('poor');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('needs the permission').waitFor();
    await page.getByRole('button', { name: 'Sign in as somebody else' }).click();
    await page.getByLabel('Token').fill('right');
    await page.keyboard.press('Enter');
    await page.getByText('gateway/root').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').waitFor();
    // The page is open already: the link only changes what follows the `#`.
    await page.goto(`${base}/debug#code=good`);
    await page.getByText('gateway/root').waitFor();
    expect(tried).toEqual([
      { code: 'used' },
      ...['wrong', 'poor', 'right'].map((token) => ({ token })),
      { code: 'good' },
    ]);
    expect(page.url()).toBe(`${base}/debug#/actors`);
  });

  it('signs in for real, by the link of `sigil open`, and follows a session with the cookie alone', async () => {
    const guarded = await startHouse({ auth: { tokens: [OWNER] } } as never);
    const at = `http://127.0.0.1:${guarded.port}`;
    const { session_id } = (await guarded.owner.chat('hello')).body;
    const { url } = (await guarded.owner.post('/api/v1/auth/links')).body;
    const watched = await openPage(browser, at);
    open.push(watched);
    const { page } = watched;
    await page.goto(url);
    await page.getByText(`session/${session_id}`).waitFor();
    await page.getByRole('button', { name: 'Live' }).waitFor();
    await page.getByText(`session/${session_id}`).click();
    await page.locator('.box.is-lit').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').fill('sigil_wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('not known').waitFor();
    await page.getByLabel('Token').fill(OWNER.token);
    await page.keyboard.press('Enter');
    await page.locator('.box.is-lit').waitFor();
  });

  describe(`before ${ACTORS} actors`, () => {
    let many: ManyActors;
    beforeAll(async () => {
      many = await manyActors(ACTORS);
    });
    afterAll(() => many.edge.close(0));

    it('scrolls through all of them while they move, and finds the last', async () => {
      const { page } = await visit('', {}, many.url);
      await page.locator('.line-actor .address').first().waitFor();
      const telling = setInterval(() => many.steps(50), 50);
      const { fps, longest_ms } = await scrollRate(page, 1_500);
      clearInterval(telling);
      process.stdout.write(
        `scrolling ${ACTORS} actors: ${fps.toFixed(1)} frames/s, longest ${longest_ms.toFixed(0)} ms\n`,
      );
      // How many is measured where nothing else runs: `npm run bench:inspector`.
      expect(fps).toBeGreaterThan(5);
      expect(await page.locator('.line').count()).toBeLessThan(80);
      await page.locator('.list').focus();
      await page.keyboard.press('End');
      await page.getByText(many.last).waitFor();
      expect(await page.getByRole('treegrid').getAttribute('aria-rowcount')).toBe(String(ACTORS + 2));
    });

    it('says when the gateway is gone, and goes on when it is back', async () => {
      const { page } = await visit('#/bus', {}, many.url);
      await page.getByRole('button', { name: 'Live' }).waitFor();
      await page.locator('.letters tr', { hasText: 'session.deliver' }).getByText('mailbox_full').waitFor();
      await many.edge.close(0);
      await page.getByText('The gateway does not answer.').waitFor();
      await page.getByRole('button', { name: 'Gone' }).waitFor();
      many = await manyActors(12, Number(new URL(many.url).port));
      await page.getByText('The gateway does not answer.').waitFor({ state: 'detached' });
      await page.getByRole('link', { name: 'Actors' }).click();
      await page.getByText(many.last).waitFor();
    });
  });
});
