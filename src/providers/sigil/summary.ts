// SPDX-License-Identifier: Apache-2.0
// What the offline model sums up, by rules: the statements of users word for word, the newest kept, and what they asked to remember.

import { planOf } from './plan.ts';

/** Characters of a summary, and of one statement in it. */
const SUMMARY = 3_000;
const STATEMENT = 200;
const FACTS = 20;

/** A line of the conversation as it is put before a model: `[3] user: text`. */
const LINE = /^\[\d+\] (user|assistant|system|tool)(?: (\d+))?(?: \([^)]*\))?: ?(.*)$/;
const EARLIER = /^<earlier_summary>\n([\s\S]*?)\n<\/earlier_summary>/;

interface Said {
  readonly text: string;
  /** The number of the user; undefined where there is one only. */
  readonly by: number | undefined;
}

/** What users said, oldest first; a message of several lines is set in. */
function saidBy(conversation: string): readonly Said[] {
  const said: { text: string; by: number | undefined }[] = [];
  let open: { text: string } | null = null;
  for (const line of conversation.split('\n')) {
    const [match, role, number, text = ''] = LINE.exec(line) ?? [];
    if (match === undefined) {
      if (open !== null && line.startsWith('  ')) open.text += ` ${line.trim()}`;
      continue;
    }
    open = null;
    if (role !== 'user') continue;
    const one = { text, by: number === undefined ? undefined : Number(number) };
    open = one;
    said.push(one);
  }
  return said;
}

const asks = (text: string): boolean => text.trimEnd().endsWith('?');

function short(text: string): string {
  const one = text.replaceAll(/\s+/g, ' ').trim();
  return one.length > STATEMENT ? `${one.slice(0, STATEMENT).toWellFormed()}…` : one;
}

/** The newest lines that fit, in their order, each once. */
function newest(lines: readonly string[]): readonly string[] {
  const kept: string[] = [];
  let room = SUMMARY;
  for (const line of [...new Set(lines.toReversed())]) {
    room -= line.length + 1;
    if (room < 0) break;
    kept.unshift(line);
  }
  return kept;
}

/** What somebody asked to remember, as facts. */
function factsOf(said: readonly Said[]): readonly object[] {
  return said
    .flatMap(({ text, by }) =>
      planOf(text).flatMap((piece) => {
        if (piece.kind !== 'tool' || piece.tool !== 'memory_remember') return [];
        const fact = JSON.parse(piece.arguments) as object;
        return [by === undefined ? fact : { ...fact, said_by: by }];
      }),
    )
    .slice(0, FACTS);
}

/** The summary of the material in a request, with facts behind it where the request asks for some. */
export function summaryOf(systemPrompt: string, material: string): string {
  const earlier = EARLIER.exec(material)?.[1] ?? '';
  const said = saidBy(material);
  const statements = said.filter(({ text }) => text.trim() !== '' && !asks(text)).map(({ text }) => `- ${short(text)}`);
  const lines = newest([...earlier.split('\n').filter((line) => line.startsWith('- ')), ...statements]);
  const summary = lines.length > 0 ? lines.join('\n') : `- ${said.length} messages, questions only.`;
  return systemPrompt.includes('FACTS') ? `${summary}\n\nFACTS\n${JSON.stringify(factsOf(said))}` : summary;
}
