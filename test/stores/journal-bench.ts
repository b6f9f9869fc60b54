// SPDX-License-Identifier: Apache-2.0
// A journal under test: a writer over a disk that can fail and be opened again, with askers for its messages.

import { failure, SigilError } from '../../src/errors.ts';
import type { Append, AppendItem, Committed, Tail } from '../../src/stores/journal.ts';
import type { JournalDisk } from '../../src/stores/journal-disk.ts';
import { type JournalPoint, type JournalStats, JournalWriter } from '../../src/stores/journal-writer.ts';
import type { JournalRow, StoredRecord } from '../../src/stores/records.ts';
import { type Asked, ask, bodyOf, ManualClock } from './manual-clock.ts';

/** A disk whose next write fails, at the given one of its steps. */
export function failing(disk: JournalDisk): { readonly disk: JournalDisk; failAt: number } {
  const control = { disk, failAt: 0 };
  const step = (): void => {
    if (control.failAt > 0 && --control.failAt === 0) {
      throw new SigilError(failure('storage_failed', 'journal.db: the disk is full'));
    }
  };
  control.disk = new Proxy(disk, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...given: unknown[]): unknown => {
        if (name === 'insert' || name === 'owe' || name === 'settle') step();
        if (name !== 'commit') return Reflect.apply(value, target, given);
        const [run] = given as [() => void];
        return target.commit(() => {
          run();
          step();
        });
      };
    },
  });
  return control;
}

export class JournalBench {
  readonly clock = new ManualClock();
  readonly disk: JournalDisk;
  readonly writer: JournalWriter;
  readonly notified: number[] = [];
  /** What happened, in order: named points and answers. */
  readonly log: string[] = [];

  constructor(
    disk: JournalDisk,
    bounds: {
      readonly maxRows?: number;
      readonly maxLength?: number;
      readonly point?: (name: JournalPoint) => void;
    } = {},
  ) {
    this.disk = disk;
    this.writer = new JournalWriter({
      disk,
      soon: this.clock.soon,
      notify: (upto) => this.notified.push(upto),
      point: (name) => this.log.push(name),
      ...bounds,
    });
  }

  append(body: Append): Asked<Committed> {
    return ask(
      (request) => this.writer.append(request),
      body,
      () => this.log.push(`answer ${body.stream} ${body.n}`),
    );
  }

  tail(stream: string): Asked<Tail> {
    return ask((request) => this.writer.tail(request), { stream });
  }

  /** Appends and waits for it. */
  appended(stream: string, n: number, ...payloads: readonly string[]): number {
    const asked = this.append(append(stream, n, ...payloads));
    this.clock.settle();
    return bodyOf(asked).seq;
  }

  /** A tail, its rows with everything the disk holds of them. */
  tailNow(stream: string): { readonly n: number; readonly rows: readonly JournalRow[] } {
    const asked = this.tail(stream);
    this.clock.settle();
    const { n, rows } = bodyOf(asked);
    const whole = rows.map((row) => {
      const kept = this.disk.row(row.seq);
      if (kept === undefined) throw new Error(`row ${row.seq} of the tail is not on the disk`);
      return { ...kept, ...row };
    });
    return { n, rows: whole };
  }

  owedNow(): readonly string[] {
    const asked = ask((request: Parameters<JournalWriter['owed']>[0]) => this.writer.owed(request), {});
    this.clock.settle();
    return bodyOf(asked).streams;
  }

  statsNow(): JournalStats {
    const asked = ask((request: Parameters<JournalWriter['stats']>[0]) => this.writer.stats(request), {});
    this.clock.settle();
    return bodyOf(asked);
  }
}

export function record(payload: string, type: StoredRecord['type'] = 'session_changed'): StoredRecord {
  return { type, version: 1, turn_id: null, payload: JSON.stringify({ type, title: payload }) };
}

export function item(payloads: readonly string[], more: Partial<AppendItem> = {}): AppendItem {
  return { at: 1, records: payloads.map((payload) => record(payload)), owes: [], settles: [], ...more };
}

export function append(stream: string, n: number, ...payloads: readonly string[]): Append {
  return { stream, workspace_id: 'home', n, items: [item(payloads)] };
}
