// SPDX-License-Identifier: Apache-2.0
// How many frames a second the inspector's list draws while it is scrolled through 5,000 actors of which 1,000 a second move;
// beside it, what the same browser draws of a list of plain rows. `npm run bench:inspector`; it needs Chromium.

import { parseArgs } from 'node:util';
import { browserInstalled, openPage, scrollRate, startBrowser } from './browser.ts';
import { manyActors } from './many-actors.ts';

const { values } = parseArgs({
  options: {
    actors: { type: 'string', default: '5000' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
  },
});
const [actors, rounds, seconds] = [Number(values.actors), Number(values.rounds), Number(values.seconds)];

const PLAIN = `<!doctype html><style>.list{height:800px;overflow:auto}p{height:36px;margin:0}</style>
<div class="list">${Array.from({ length: 500 }, (_, nth) => `<p>row ${nth}</p>`).join('')}</div>`;

const median = (of: readonly number[]): number => [...of].sort((a, b) => a - b)[Math.floor(of.length / 2)] ?? 0;

async function measure(): Promise<void> {
  const many = await manyActors(actors);
  const browser = await startBrowser();
  const rates: Record<'plain' | 'list', number[]> = { plain: [], list: [] };
  let longest = 0;
  try {
    const { page } = await openPage(browser, many.url);
    for (let round = 0; round < rounds; round += 1) {
      await page.goto('about:blank');
      await page.setContent(PLAIN);
      rates.plain.push((await scrollRate(page, seconds * 1000)).fps);
      await page.goto(`${many.url}/debug`);
      await page.locator('.line-actor .address').first().waitFor();
      const telling = setInterval(() => many.steps(50), 50);
      const { fps, longest_ms } = await scrollRate(page, seconds * 1000);
      clearInterval(telling);
      rates.list.push(fps);
      longest = Math.max(longest, longest_ms);
    }
  } finally {
    await browser.close();
    await many.edge.close(0);
  }
  const [plain, list] = [median(rates.plain), median(rates.list)];
  const each = (of: readonly number[]): string => of.map((one) => one.toFixed(1)).join(' ');
  process.stdout.write(
    `${actors} actors: ${list.toFixed(1)} frames/s (${each(rates.list)}), longest frame ${longest.toFixed(0)} ms\n` +
      `plain rows: ${plain.toFixed(1)} frames/s (${each(rates.plain)}); ratio ${(list / plain).toFixed(2)}\n`,
  );
}

if (browserInstalled) await measure();
else process.stdout.write('skipped: chromium not installed\n');
