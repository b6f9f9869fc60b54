// SPDX-License-Identifier: Apache-2.0
// What the bench of the inspector says to the threads it measures.

/**
 * What the bench says: whether steps are noted; where to write microseconds of processor time; or to take turns by itself,
 * so many steps of its sessions as they are and as many with each noted {@link DOSE} times more, in pairs whose order is
 * drawn anew. A turn has as many steps as another, and they do not come in as large batches as turns begin.
 */
export type Order =
  | { readonly noting: boolean }
  | { readonly spent: SharedArrayBuffer }
  | { readonly steps: number; readonly slices: SharedArrayBuffer };

/**
 * What one note costs is less than two slices differ by anyhow; so many more are not. They are noted of other actors, one
 * after the other, whose places are no warmer than that of the one that made the step.
 */
export const DOSE = 16;
