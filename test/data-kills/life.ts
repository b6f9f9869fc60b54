// SPDX-License-Identifier: Apache-2.0
// One life over a data directory, to be killed: writes and projects, only opens (and migrates), trims, or embeds with another model.

import { killPoints } from '../../src/composition/kill-points.ts';
import { JobPool } from '../../src/composition/pool.ts';
import { realWorld as clock } from '../../src/composition/real-world.ts';
import { toFailure } from '../../src/errors.ts';
import type { Append } from '../../src/stores/journal.ts';
import { type OpenJournal, openJournal, openViews } from '../../src/stores/sqlite/open.ts';
import type { VectorsOptions } from '../../src/stores/sqlite/vectors-projection.ts';
import { chance, randomTurn, SessionLog } from '../stores/session-log.ts';
import { JOINS } from './figures.ts';
import { modelNamed } from './models.ts';

const [dir = '', mode = 'write', life = '0', model = ''] = process.argv.slice(2);
const point = killPoints(process.env['SIGIL_KILL_AT']);
const failed = (failure: { readonly message: string }): void => console.error(failure.message);

/** Records of this life are dated after all of the lives before: what is trimmed is never of the life that trims. */
const DATED = Date.UTC(2026, 0, 1) + Number(life) * 86_400_000;
const HOUR = 3_600_000;
/** Between two turns of a session in milliseconds: a life has rows enough to be in the middle of, and no more. */
const PAUSE_MS = 8;

/** With workers of a real pool; says each batch that is filled. */
function vectors(): VectorsOptions {
  const pool = new JobPool({ entry: new URL('./models.ts', import.meta.url), world: clock, threads: 2 });
  return {
    model: modelNamed(model),
    embed: ({ model: { name }, texts }, answered) => {
      const say: typeof answered = (answer) => {
        answered(answer);
        process.stdout.write('filled\n');
      };
      pool.run('embed', { model: name, texts }).then(
        (embedded) => say({ ok: true, vectors: embedded as Float32Array }),
        (error: unknown) => say({ ok: false, error: toFailure(error) }),
      );
    },
    filling: () => undefined,
  };
}

const views = openViews({
  dataDir: dir,
  clock,
  advanced: () => undefined,
  point,
  failed,
  ...(mode === 'embed' ? { vectors: vectors() } : {}),
});
const journal: OpenJournal = openJournal({
  dataDir: dir,
  // Enough for a process that is killed, and many more rows in the short life it has.
  durability: 'normal',
  clock,
  notify: (upto) => views.handlers['views.wake']({ body: { upto }, reply: () => undefined, fail: failed }),
  point,
  failed,
  // A day is a life; passes come every few milliseconds.
  ...(mode === 'trim' ? { retention: { ms: 240, now: () => DATED - HOUR + 240 } } : {}),
});

const append = (body: Append): Promise<void> =>
  new Promise((resolve, reject) => {
    const fail = (error: { readonly message: string }): void => reject(new Error(error.message));
    journal.handlers['journal.append']({ body, reply: () => resolve(), fail });
  });

/** How many talk. */
const SESSIONS: Readonly<Record<string, number>> = { open: 0, write: 12, trim: 2, embed: 2 };
const random = chance(Number(life) + 1);
for (let at = 0; at < (SESSIONS[mode] ?? 0); at += 1) {
  const log = new SessionLog(`s${life}-${at}`, `w${at % 5}`);
  log.at = DATED;
  const talk = async (): Promise<void> => {
    await append(log.create());
    for (;;) {
      for (const body of randomTurn(log, random, JOINS)) await append(body);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      if (random() < 0.5) await append(log.next({ type: 'checkpoint', state: { folded: log.id } }));
    }
  };
  void talk();
}
process.stdout.write('alive\n');
