// SPDX-License-Identifier: Apache-2.0
// Tells somebody who talks about an attack from somebody who makes one: it stands in quotes, beside words about such texts.

const QUOTES = /["'`“”„«»‘’「」『』]/;
/** Units in which the quote is looked for that stands before it. */
const NEAR = 80;
/** Units around it in which words about it are looked for. */
const AROUND = 120;

/** Words by which people say that they mention a text and do not mean it, in folded text. */
const ABOUT =
  /prompt.?injection|injection|jailbreak|attack|phrase|sentence|(?<![.\w])example|wrote|says|means?\b|test|detect|block|scanner|refus|article|paper|assert|satz|bewirkt|bedeutet|angriff|beispiel|phrase|signifie|attaque|exemple|significa|frase|ataque|ejemplo|exemplo|esempio|oznacza|zdanie|фраза|предложение|означает|пример|cumle|anlam|عبارة|جملة|वाक्य|句子|短语|意思|文|意味|문장|의미/;

/** Whether what stands between these places of a folded text is quoted by somebody who talks about it. */
export function quotedAt(folded: string, from: number, to: number): boolean {
  const before = folded.slice(Math.max(0, from - NEAR), from);
  const after = folded.slice(to, to + AROUND);
  if (!QUOTES.test(before) || !QUOTES.test(after)) return false;
  const around = `${folded.slice(Math.max(0, from - AROUND), from)} ${after}`;
  return ABOUT.test(around);
}
