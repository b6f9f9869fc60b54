// SPDX-License-Identifier: Apache-2.0
// A skill on its way into a place.

/** A skill that lies ready beside the others of its place. */
export interface Staged {
  /** Its folder now. */
  readonly at: string;
  /** What is removed with it, or when it is not wanted. */
  readonly staging: string;
  readonly name: string;
  readonly files: number;
  readonly bytes: number;
  /** One of this name is there. */
  readonly taken: boolean;
}
