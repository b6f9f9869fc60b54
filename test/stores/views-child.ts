// SPDX-License-Identifier: Apache-2.0
// A process that writes turns and lets its views follow until it is killed: `node views-child.ts DIR SEED`.

import { openJournal, openViews } from '../../src/stores/sqlite/open.ts';
import { chance, randomTurn, SessionLog } from './session-log.ts';

const [dir = '', seed = '0'] = process.argv.slice(2);
const random = chance(Number(seed) + 1);
const clock = {
  soon: (run: () => void): void => void setImmediate(run),
  after: (ms: number, run: () => void): (() => void) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  monotonic: (): number => performance.now(),
  now: (): number => Date.now(),
};

const views = openViews({
  dataDir: dir,
  clock,
  advanced: () => undefined,
  failed: (failure) => console.error(failure),
});
const journal = openJournal({
  dataDir: dir,
  durability: 'normal',
  clock,
  notify: (upto) => views.handlers['views.wake']({ body: { upto }, reply: () => undefined, fail: () => undefined }),
});

const logs = Array.from({ length: 20 }, (_, index) => new SessionLog(`s${seed}-${index}`, `w${index % 7}`));
let waiting = 0;
const go = (): void => {
  if (waiting > 0) return;
  for (const log of logs) {
    for (const body of randomTurn(log, random)) {
      waiting += 1;
      const fail = (error: { readonly message: string }): void => {
        throw new Error(error.message);
      };
      const reply = (): void => {
        waiting -= 1;
        if (waiting === 0) setImmediate(go);
      };
      journal.handlers['journal.append']({ body, reply, fail });
    }
  }
};
for (const log of logs) {
  journal.handlers['journal.append']({ body: log.create(), reply: () => undefined, fail: () => undefined });
}
go();
process.stdout.write('writing\n');
