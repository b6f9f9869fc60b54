// SPDX-License-Identifier: Apache-2.0
// Parses an arithmetic expression into a tree. jsep does the reading; its operators are set to those of a calculator.

import jsep from 'jsep';

export type Node = jsep.Expression;

/** A parsed group keeps its parentheses: `(-2)^2` and `-2^2` differ, and jsep's tree alone would not tell. */
export const GROUP = 'Group';

const OPEN = 40;

// The parser is configured once for the process: whoever else needed jsep here would need a parser of their own.
jsep.removeAllBinaryOps();
jsep.removeAllUnaryOps();
jsep.removeAllLiterals();
for (const sign of ['+', '-']) {
  jsep.addBinaryOp(sign, 1);
  jsep.addUnaryOp(sign);
}
for (const sign of ['*', '/', '%']) jsep.addBinaryOp(sign, 2);
for (const sign of ['^', '**']) jsep.addBinaryOp(sign, 3, true);
jsep.hooks.add('gobble-token', function group(env) {
  if (this.code !== OPEN) return;
  const inside: Node | false = this.gobbleGroup();
  if (!inside) this.throwError('Nothing between the parentheses');
  env.node = { type: GROUP, inside };
});

const SPELLINGS: ReadonlyMap<string, string> = new Map([
  ['×', '*'],
  ['·', '*'],
  ['÷', '/'],
  ['−', '-'],
  ['π', 'pi'],
]);

const MOST_CHARACTERS = 1000;
const DEEPEST = 64;

/** How deep parentheses nest and signs pile up: known before the parser, which recurses, sees the text. */
function depthOf(text: string): number {
  let deepest = 0;
  let open = 0;
  let signs = 0;
  let powers = 0;
  for (const sign of text) {
    if (sign === ' ') continue;
    if (sign === '(') open += 1;
    if (sign === ')') open -= 1;
    signs = '+-(['.includes(sign) ? signs + 1 : 0;
    if (sign === '^') powers += 1;
    deepest = Math.max(deepest, open, signs, powers);
  }
  return deepest;
}

export type Parsed = { readonly ok: true; readonly tree: Node } | { readonly ok: false; readonly message: string };

/** Parses a text, or says why it cannot be parsed; never throws. */
export function parseExpression(text: string): Parsed {
  if (text.length > MOST_CHARACTERS)
    return { ok: false, message: `The expression is longer than ${MOST_CHARACTERS} characters.` };
  if (text.trim() === '') return { ok: false, message: 'The expression is empty.' };
  if (depthOf(text) > DEEPEST) return { ok: false, message: `The expression nests deeper than ${DEEPEST} levels.` };
  try {
    return { ok: true, tree: jsep(text.replace(/[×·÷−π]/gu, (sign) => SPELLINGS.get(sign) ?? sign)) };
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return { ok: false, message: `The expression cannot be read: ${reason}.` };
  }
}
