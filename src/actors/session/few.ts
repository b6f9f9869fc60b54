// SPDX-License-Identifier: Apache-2.0
// A map for a handful of short-lived entries, as a lane has them: one turn, one receipt on its way.

interface Entry<V> {
  readonly key: string;
  value: V;
}

/**
 * Not a Map: one that is filled and emptied turn after turn leaves tables behind that point to the next one, and once
 * the collector takes one for old, everything that was ever put in since lives until the next full collection.
 */
export class Few<V> {
  private readonly entries: Entry<V>[] = [];

  get size(): number {
    return this.entries.length;
  }

  get(key: string): V | undefined {
    for (const entry of this.entries) if (entry.key === key) return entry.value;
    return undefined;
  }

  set(key: string, value: V): void {
    for (const entry of this.entries) {
      if (entry.key !== key) continue;
      entry.value = value;
      return;
    }
    this.entries.push({ key, value });
  }

  delete(key: string): void {
    const { entries } = this;
    for (let at = 0; at < entries.length; at += 1) {
      if (entries[at]?.key !== key) continue;
      if (at === entries.length - 1) entries.pop();
      else entries.splice(at, 1);
      return;
    }
  }

  values(): V[] {
    return this.entries.map(({ value }) => value);
  }

  clear(): void {
    this.entries.length = 0;
  }
}
