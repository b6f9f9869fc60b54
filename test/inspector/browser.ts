// SPDX-License-Identifier: Apache-2.0
// A real browser for tests of the inspector, and what every page in it must never do.

import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const EXECUTABLE = '/usr/bin/chromium';
export const browserInstalled = existsSync(EXECUTABLE);

export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    ],
  });
}

/** A page, and all it did that it must not. */
export interface Watched {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of scripts and of the console, violations of the policy, requests that would leave the machine. */
  readonly wrong: string[];
  /** Paths that were asked for. */
  readonly asked: string[];
}

export async function openPage(
  browser: Browser,
  base: string,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const wrong: string[] = [];
  const asked: string[] = [];
  page.on('pageerror', (error) => wrong.push(`error: ${error.message}`));
  page.on('console', (message) => {
    const text = message.text();
    if (/Content Security Policy|TrustedHTML/i.test(text)) wrong.push(`policy: ${text}`);
    // That somebody is not signed in is told by a 401, and a gateway that is gone by nothing: the browser notes both itself.
    else if (message.type() === 'error' && !/^Failed to load resource/.test(text)) wrong.push(`console: ${text}`);
  });
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.origin === new URL(base).origin) asked.push(url.pathname);
    else if (url.protocol !== 'data:') wrong.push(`left the machine: ${request.url()}`);
  });
  return { page, context, wrong, asked };
}

/** Runs in the page: this file knows no types of browsers. */
const SCROLL = `(ms) => new Promise((resolve) => {
  const list = document.querySelector('.list');
  let frames = 0;
  let longest = 0;
  let began = 0;
  let last = 0;
  let step = 180;
  const frame = (at) => {
    if (began === 0) began = at;
    else {
      frames += 1;
      longest = Math.max(longest, at - last);
    }
    last = at;
    const before = list.scrollTop;
    list.scrollTop += step;
    if (list.scrollTop === before) step = -step;
    if (at - began < ms) requestAnimationFrame(frame);
    else resolve({ fps: (frames * 1000) / (at - began), longest_ms: longest });
  };
  requestAnimationFrame(frame);
})`;

export interface Rate {
  readonly fps: number;
  readonly longest_ms: number;
}

/** Scrolls the list from top to bottom and back, a step a frame, for so long; how many frames came a second. */
export async function scrollRate(page: Page, milliseconds: number): Promise<Rate> {
  return await page.evaluate<Rate>(`(${SCROLL})(${milliseconds})`);
}
