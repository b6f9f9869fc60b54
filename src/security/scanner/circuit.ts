// SPDX-License-Identifier: Apache-2.0
// The scanner's own circuit: after repeated failures nothing is scanned for a while, and so nothing gets through.

/** Failures in a row after which it opens. */
const FAILURES = 3;
/** How long it stays open, in milliseconds. */
const RESTS = 30_000;

export interface ScanCircuitOptions {
  readonly monotonic: () => number;
  /** It opened after these failures, or a scan was whole again. */
  readonly changed: (open: boolean, why: string) => void;
}

export class ScanCircuit {
  readonly #options: ScanCircuitOptions;
  #failures = 0;
  /** When it may be tried again; null while it is closed. */
  #until: number | null = null;

  constructor(options: ScanCircuitOptions) {
    this.#options = options;
  }

  /** Whether nothing is to be scanned now. Once its time is over, one scan after the other shows how it is. */
  get open(): boolean {
    return this.#until !== null && this.#options.monotonic() < this.#until;
  }

  failed(why: string): void {
    this.#failures += 1;
    if (this.#failures < FAILURES) return;
    const first = this.#until === null;
    this.#until = this.#options.monotonic() + RESTS;
    if (first) this.#options.changed(true, why);
  }

  passed(): void {
    this.#failures = 0;
    if (this.#until === null) return;
    this.#until = null;
    this.#options.changed(false, '');
  }
}
