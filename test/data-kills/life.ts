// SPDX-License-Identifier: Apache-2.0
// One life over a data directory, to be killed: writes and projects, only opens (and migrates), or trims.

import type { Append } from '../../src/stores/journal.ts';
import { type OpenJournal, openJournal, openViews } from '../../src/stores/sqlite/open.ts';
import { chance, randomTurn, SessionLog } from '../stores/session-log.ts';

const [dir = '', mode = 'write', life = '0'] = process.argv.slice(2);
const clock = {
  soon: (run: () => void): void => void setImmediate(run),
  after: (ms: number, run: () => void): (() => void) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  monotonic: (): number => performance.now(),
  now: (): number => Date.now(),
};
const failed = (failure: { readonly message: string }): void => console.error(failure.message);

/** Records of this life are dated after all of the lives before: what is trimmed is never of the life that trims. */
const DATED = Date.UTC(2026, 0, 1) + Number(life) * 86_400_000;
const HOUR = 3_600_000;

const views = openViews({ dataDir: dir, clock, advanced: () => undefined, failed });
const journal: OpenJournal = openJournal({
  dataDir: dir,
  // Enough for a process that is killed, and many more rows in the short life it has.
  durability: 'normal',
  clock,
  notify: (upto) => views.handlers['views.wake']({ body: { upto }, reply: () => undefined, fail: failed }),
  failed,
  // A day is a life; passes come every few milliseconds.
  ...(mode === 'trim' ? { retention: { ms: 240, now: () => DATED - HOUR + 240 } } : {}),
});

const append = (body: Append): Promise<void> =>
  new Promise((resolve, reject) => {
    const fail = (error: { readonly message: string }): void => reject(new Error(error.message));
    journal.handlers['journal.append']({ body, reply: () => resolve(), fail });
  });

if (mode !== 'open') {
  const random = chance(Number(life) + 1);
  const logs = Array.from(
    { length: mode === 'trim' ? 2 : 12 },
    (_, index) => new SessionLog(`s${life}-${index}`, `w${index % 5}`),
  );
  for (const log of logs) log.at = DATED;
  const talk = async (log: SessionLog): Promise<void> => {
    await append(log.create());
    for (;;) {
      for (const body of randomTurn(log, random)) await append(body);
      // Time for the steps of trimming, of which each gives way to who waits.
      if (mode === 'trim') await new Promise((resolve) => setTimeout(resolve, 10));
      if (random() < 0.5) await append(log.next({ type: 'checkpoint', state: { folded: log.id } }));
    }
  };
  for (const log of logs) void talk(log);
}
process.stdout.write('alive\n');
