// SPDX-License-Identifier: Apache-2.0
// Hides what secrets stand for: knows every value resolved so far, and replaces it wherever it would be shown.

import { Needles, WINDOW } from './needles.ts';
import { secretFailure } from './store.ts';

/** What stands in place of a secret. */
export const HIDDEN = '***';
/** Shorter values are not looked for: they would be found in every other word. */
export const SHORTEST = WINDOW;
/** Texts looked for at once, each value in its spellings, and their characters together. */
const NEEDLES_MOST = 50_000;
const CHARACTERS_MOST = 32 * 1024 * 1024;
/** Values nested deeper are not shown at all. */
const DEPTH_MOST = 24;
/** A line of a key file on its own tells enough of it; a shorter one may be any word. */
const LINE_LEAST = 16;

/** The texts a value is found by: as it is, as JSON, URLs and base64 write it, and line by line. */
function spellings(value: string): readonly string[] {
  const lines = value.includes('\n')
    ? value
        .split('\n')
        .map((line) => line.trim())
        // The frame of a PEM file is no secret.
        .filter((line) => line.length >= LINE_LEAST && !line.startsWith('-----'))
    : [];
  const wellFormed = value.toWellFormed();
  const all = [value, value.trim(), JSON.stringify(value).slice(1, -1), encodeURIComponent(wellFormed)];
  const base64 = Buffer.from(wellFormed).toString('base64').replace(/=+$/, '');
  const texts = new Set([...all, base64, base64.replaceAll('+', '-').replaceAll('/', '_'), ...lines]);
  return [...texts].filter((text) => text.length >= SHORTEST);
}

/** Knows values and hides them. One for each thread; nothing in it ever leaves it. */
export class Redactor {
  readonly #needles = new Needles();
  readonly #values = new Set<string>();
  /** Those other threads are told of. */
  readonly #shared = new Set<string>();
  #characters = 0;
  #told: (value: string) => void = () => undefined;

  /** Calls back with every shared value that is new from now on. */
  onAdd(told: (value: string) => void): void {
    this.#told = told;
  }

  /** The shared values known, for a thread that begins. */
  values(): readonly string[] {
    return [...this.#shared];
  }

  /**
   * Hides a value from now on.
   *
   * @param shared whether other threads may come across it too
   * @throws SigilError `overloaded` when there are more than can be looked for: then the value must not be used
   */
  add(value: string, shared = true): void {
    if (value.length < SHORTEST || (shared ? this.#shared : this.#values).has(value)) return;
    const texts = this.#values.has(value) ? [] : spellings(value);
    const characters = texts.reduce((sum, text) => sum + text.length, 0);
    if (this.#needles.size + texts.length > NEEDLES_MOST || this.#characters + characters > CHARACTERS_MOST) {
      throw secretFailure(
        'overloaded',
        'More secrets have been used since the start than can be kept out of logs and errors.',
        'Restart the gateway, and use fewer secrets in one.',
      );
    }
    this.#characters += characters;
    this.#values.add(value);
    for (const text of texts) this.#needles.add(text);
    if (!shared) return;
    this.#shared.add(value);
    this.#told(value);
  }

  /** Texts that are looked for, for whoever looks for them in a stream: as many as there are, and each. */
  get size(): number {
    return this.#needles.size;
  }

  texts(): Iterable<string> {
    return this.#needles.texts();
  }

  /** A text with every known value hidden. */
  text(text: string): string {
    return this.#needles.replace(text, HIDDEN);
  }

  /** Plain data with every known value hidden, in keys too; the same data where none is in it. Errors become plain. */
  data<T>(data: T): T {
    return this.#needles.size === 0 ? data : (this.#plain(data, 0, []) as T);
  }

  #plain(data: unknown, depth: number, above: readonly object[]): unknown {
    if (typeof data === 'string') return this.text(data);
    if (typeof data === 'number' || typeof data === 'bigint') {
      const shown = String(data);
      return this.text(shown) === shown ? data : HIDDEN;
    }
    if (typeof data !== 'object' || data === null || data instanceof Date || ArrayBuffer.isView(data)) return data;
    if (depth >= DEPTH_MOST) return '[nested too deep]';
    if (above.includes(data)) return '[circular]';
    const inside = [...above, data];
    const below = (value: unknown): unknown => this.#plain(value, depth + 1, inside);
    if (Array.isArray(data)) return this.#list(data, below);
    if (data instanceof Map || data instanceof Set) return below([...data]);
    if (data instanceof Error) {
      // The members a log shows of an error are not enumerable.
      const { name: type, message, stack, cause } = data;
      return below({ ...data, type, message, stack, ...(cause === undefined ? {} : { cause }) });
    }
    return this.#record(data, below);
  }

  #list(list: readonly unknown[], below: (value: unknown) => unknown): readonly unknown[] {
    let copy: unknown[] | undefined;
    for (const [index, value] of list.entries()) {
      const shown = below(value);
      if (shown !== value) copy ??= list.slice(0, index);
      copy?.push(shown);
    }
    return copy ?? list;
  }

  #record(record: object, below: (value: unknown) => unknown): object {
    let changed = false;
    const entries = Object.entries(record).map(([key, value]) => {
      const shown: readonly [string, unknown] = [this.text(key), below(value)];
      changed ||= shown[0] !== key || shown[1] !== value;
      return shown;
    });
    return changed ? Object.fromEntries(entries) : record;
  }
}
