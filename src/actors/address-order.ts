// SPDX-License-Identifier: Apache-2.0
// Things in the order of their addresses, kept in order as they come and go: a page is found without looking at what is before it.

/** Longest run of neighbours; twice its square root moves when one is put in, and a search halves the rest. */
const RUN_MOST = 512;
/** A run this short joins its neighbour. */
const RUN_LEAST = 64;

export interface Addressed {
  readonly address: string;
}

/**
 * A sorted sequence in short runs: `add` and `remove` take O(log n) comparisons and move at most one run; eight bytes an
 * item, where a tree takes a node each. Addresses are unique.
 */
export class AddressOrder<T extends Addressed> {
  /** Never an empty run. */
  private readonly runs: T[][] = [];
  private count = 0;

  get size(): number {
    return this.count;
  }

  add(item: T): void {
    const { runs } = this;
    this.count += 1;
    const at = this.runAfter(item.address, false);
    const run = runs[at];
    if (run === undefined) {
      const last = runs.at(-1);
      // Addresses made one after the other are mostly in order: full runs stay full, nothing is moved.
      if (last === undefined || last.length === RUN_MOST) runs.push([item]);
      else last.push(item);
      return;
    }
    run.splice(placeIn(run, item.address, false), 0, item);
    if (run.length > RUN_MOST) runs.splice(at + 1, 0, run.splice(RUN_MOST >> 1));
  }

  /** Whether it was there. */
  remove(item: T): boolean {
    const { runs } = this;
    const at = this.runAfter(item.address, false);
    const run = runs[at];
    if (run === undefined) return false;
    const place = placeIn(run, item.address, false);
    if (run[place] !== item) return false;
    run.splice(place, 1);
    this.count -= 1;
    if (run.length >= RUN_LEAST) return true;
    const next = runs[at + 1];
    if (run.length === 0) runs.splice(at, 1);
    else if (next !== undefined && run.length + next.length <= RUN_MOST) runs.splice(at, 2, run.concat(next));
    return true;
  }

  /** Visits in order what comes after an address, until told to stop or nothing is left; false: it was stopped. */
  visitAfter(address: string, visit: (item: T) => boolean): boolean {
    const { runs } = this;
    let at = this.runAfter(address, true);
    let place = placeIn(runs[at] ?? [], address, true);
    for (let run = runs[at]; run !== undefined; run = runs[at]) {
      for (let item = run[place]; item !== undefined; item = run[place]) {
        if (!visit(item)) return false;
        place += 1;
      }
      at += 1;
      place = 0;
    }
    return true;
  }

  /** The first run that ends at this address or past it; `beyond`: past it. */
  private runAfter(address: string, beyond: boolean): number {
    const { runs } = this;
    let low = 0;
    let high = runs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const last = runs[middle]?.at(-1)?.address ?? '';
      if (last > address || (!beyond && last === address)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Where in a run this address is or would be; `beyond`: where what comes after it begins. */
function placeIn(run: readonly Addressed[], address: string, beyond: boolean): number {
  let low = 0;
  let high = run.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const here = run[middle]?.address ?? '';
    if (here > address || (!beyond && here === address)) high = middle;
    else low = middle + 1;
  }
  return low;
}
