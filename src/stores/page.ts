// SPDX-License-Identifier: Apache-2.0
// Lists as they are asked for and answered: a page, and where the next one begins.

export interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

export interface PageRequest {
  /** 1 to 200. */
  readonly limit: number;
  readonly cursor?: string | undefined;
}
