// SPDX-License-Identifier: Apache-2.0
// A form of a text in which what differs in case or composition alone is equal, in any script.

/**
 * Upper case at the end, because lower case depends on the neighbours (σ, ς); lower case before it, for letters whose case
 * is not a pair (İ, ẞ). Taken apart and not composed, so that a text's beginning stays the beginning of its form.
 */
export function foldedText(text: string): string {
  return text.toWellFormed().normalize('NFKD').toLowerCase().toUpperCase().normalize('NFKD');
}
