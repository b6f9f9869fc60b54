// SPDX-License-Identifier: Apache-2.0
// What the text of a configuration file may be at all, before anybody reads YAML in it: its size, and characters that are none.

/** The longest file that is read, in characters: ten thousand workspaces fit in, and a disk image piped by mistake does not. */
export const MOST_TEXT = 4 * 1024 * 1024;
/** The deepest maps and lists in each other by their brackets and dashes: past it a reader by recursion runs out of stack. */
const MOST_OPEN = 200;

/** Why a text is no configuration, and where. */
export interface TextTrouble {
  /** From the start, in characters. */
  readonly offset: number;
  readonly found: string;
  readonly allowed: string;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const NOT_TEXT = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffd\ufeff]/;

function strange(char: string): Omit<TextTrouble, 'offset'> {
  const code = (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  if (char === '\ufffd') return { found: 'bytes that are no text in UTF-8', allowed: 'text in UTF-8' };
  const name = char === '\0' ? 'the character NUL' : char === '\ufeff' ? 'a byte order mark' : 'a control character';
  return { found: `${name} (U+${code})`, allowed: 'text without it; in double quotes it is written as an escape' };
}

/** Where the first bracket too many opens. Brackets in quotes and comments count too, as they are seldom so many. */
function tooDeep(text: string): number | undefined {
  let open = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '[' || char === '{') open += 1;
    else if ((char === ']' || char === '}') && open > 0) open -= 1;
    if (open > MOST_OPEN) return at;
  }
  // `- - - - x` opens a list at each dash, `? ? ?` a map at each mark, and a level of a block is a space at least.
  const run = new RegExp(`(?:[-?:][ \\t]+){${MOST_OPEN}}|^ {${2 * MOST_OPEN}}`, 'm').exec(text);
  return run === null ? undefined : run.index;
}

/** What is wrong with a text as such; undefined for one that may be read. */
export function textTrouble(text: string): TextTrouble | undefined {
  if (text.length > MOST_TEXT) {
    const allowed = `at most ${MOST_TEXT / 1024 / 1024} MB of text`;
    return { offset: 0, found: `a file of ${(text.length / 1024 / 1024).toFixed(1)} MB`, allowed };
  }
  const offset = text.search(NOT_TEXT);
  if (offset >= 0) return { offset, ...strange(text[offset] ?? '') };
  const deep = tooDeep(text);
  if (deep === undefined) return undefined;
  return { offset: deep, found: 'maps within maps without end', allowed: `at most ${MOST_OPEN} levels` };
}
