// SPDX-License-Identifier: Apache-2.0
// A map for a handful of short-lived entries, as a lane has them: one turn, one receipt on its way.

interface Entry<V> {
  readonly key: string;
  value: V;
  next: Entry<V> | null;
}

/**
 * Not a Map: one that is filled and emptied turn after turn leaves tables behind that point to the next one, and once
 * the collector takes one for old, everything that was ever put in since lives until the next full collection. A chain,
 * so that an empty one is one small object and nothing more: nearly all lanes rest.
 */
export class Few<V> {
  size = 0;
  private first: Entry<V> | null = null;

  get(key: string): V | undefined {
    for (let entry = this.first; entry !== null; entry = entry.next) if (entry.key === key) return entry.value;
    return undefined;
  }

  set(key: string, value: V): void {
    let last: Entry<V> | null = null;
    for (let entry = this.first; entry !== null; entry = entry.next) {
      if (entry.key === key) {
        entry.value = value;
        return;
      }
      last = entry;
    }
    const added: Entry<V> = { key, value, next: null };
    if (last === null) this.first = added;
    else last.next = added;
    this.size += 1;
  }

  delete(key: string): void {
    let before: Entry<V> | null = null;
    for (let entry = this.first; entry !== null; entry = entry.next) {
      if (entry.key === key) {
        if (before === null) this.first = entry.next;
        else before.next = entry.next;
        // A dead entry that the collector takes for old must not keep those behind it.
        entry.next = null;
        this.size -= 1;
        return;
      }
      before = entry;
    }
  }

  /** Oldest first. */
  values(): V[] {
    const values: V[] = [];
    for (let entry = this.first; entry !== null; entry = entry.next) values.push(entry.value);
    return values;
  }

  clear(): void {
    this.first = null;
    this.size = 0;
  }
}
