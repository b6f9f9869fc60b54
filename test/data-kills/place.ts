// SPDX-License-Identifier: Apache-2.0
// A data directory that is killed in again and again, with all it ever had kept beside it.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { VectorModel } from '../../src/stores/vector-store.ts';
import { chance, randomTurn, SessionLog } from '../stores/session-log.ts';
import { StoreHouse } from '../stores/store-house.ts';
import { JOINS } from './figures.ts';
import { recover } from './follow.ts';
import { Shadow } from './shadow.ts';

const DAY = 86_400_000;

export class Place {
  readonly dir: string;
  shadow = new Shadow();
  /** What its vectors are of; undefined where nothing is embedded. */
  model: VectorModel | undefined;
  #life = 0;

  constructor(scratch: string, name: string, model?: VectorModel) {
    this.dir = join(scratch, name);
    this.model = model;
    mkdirSync(this.dir, { mode: 0o700 });
  }

  /** The number of the next life: it dates its records. */
  nextLife(): string {
    this.#life += 1;
    return String(this.#life);
  }

  /** Writes sessions of so many turns, one in each workspace, and lets the views follow; nothing is killed. */
  grow(workspaces: number, turns: number): readonly string[] {
    const life = Number(this.nextLife());
    const random = chance(life * 31);
    const house = new StoreHouse(this.dir).openJournal();
    for (let at = 0; at < workspaces; at += 1) {
      const log = new SessionLog(`g${life}-${at}`, `w${at}`);
      log.at = Date.UTC(2026, 0, 1) + life * DAY;
      house.append(log.create());
      for (let turn = 0; turn < turns; turn += 1) house.append(...randomTurn(log, random, JOINS));
      house.append(log.next({ type: 'checkpoint', state: { folded: log.id } }));
    }
    house.close();
    return [...recover(this.dir, { model: this.model }), ...this.shadow.note(this.dir)];
  }

  /** Whether the views have everything the journal has, as gateway.db says. */
  behind(): boolean {
    const last = this.ask<number>('journal.db', 'SELECT max(seq) FROM records');
    const upto = this.ask<number>('gateway.db', 'SELECT upto FROM view_state');
    return upto === undefined || upto < (last ?? 0);
  }

  /** One value out of a database; undefined when there is none. */
  ask<T>(file: string, sql: string): T | undefined {
    const db = new Database(join(this.dir, file), { readonly: true });
    try {
      return db.prepare<[], T>(sql).pluck().get();
    } finally {
      db.close();
    }
  }
}
