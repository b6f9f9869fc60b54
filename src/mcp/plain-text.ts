// SPDX-License-Identifier: Apache-2.0
// Texts of servers without what nobody sees: they stand before models and on terminals.

/**
 * Control characters but for line ends and tabs; what turns the direction of writing; what has no width, but for the two
 * joiners that scripts and emoji need; and the tags (U+E0000…) in which text can be hidden from every reader but a model.
 */
const UNSEEN = /[^\P{Cc}\n\t]|[\u200B\u200E\u200F\u202A-\u202E\u2060-\u206F\uFEFF]|[\u{E0000}-\u{E0FFF}]/gu;

/** At most so many characters (UTF-16 units) of a text, well-formed, without what is not seen. */
export function plainText(text: string, most: number): string {
  // Cut before it is searched: what comes from a server may be long.
  const plain = text.slice(0, most).toWellFormed().replaceAll(UNSEEN, '');
  return text.length > most ? `${plain.trimEnd()}…` : plain.trim();
}

/** The same on one line. */
export function plainLine(text: string, most: number): string {
  return plainText(text, most).replaceAll(/\s+/g, ' ');
}
