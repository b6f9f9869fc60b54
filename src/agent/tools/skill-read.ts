// SPDX-License-Identifier: Apache-2.0
// `skill_read`: the text of a skill, and the files in its folder, a page at a time.

import { skillPath } from '../skills/path.ts';
import type { Skill } from '../skills/skill.ts';
import type { FileList } from './skills-port.ts';
import { problem, type Tool, type ToolOutcome } from './tool.ts';

/** Bytes of a page. A result may hold twice as many. */
const PAGE = 32 * 1024;
const NAMES = 40;

const encoder = new TextEncoder();
const NONE: FileList = { files: [], more: 0 };

export const skillRead: Tool = {
  name: 'skill_read',
  description:
    'Reads a skill: its instructions, or with `path` a file in its folder (references, scripts, assets) or the list of a ' +
    'folder in it. What is longer than a page is read on with the `offset` that the page names.',
  inputSchema: {
    type: 'object',
    properties: {
      skill: { type: 'string', description: 'The name of the skill.' },
      path: { type: 'string', description: 'A file or folder of the skill, such as references/guide.md.' },
      offset: { type: 'integer', minimum: 0, description: 'The byte to go on at.' },
    },
    required: ['skill'],
    additionalProperties: false,
  },
  capabilities: [],
  safe: true,
  timeoutMs: 10_000,
  idempotent: true,
  serial: false,
  async execute(args, { skills: port }) {
    const name = String(args['skill']);
    const offset = Number(args['offset'] ?? 0);
    const skill = port?.skills.find((one) => one.name === name);
    if (port === undefined || skill === undefined) return problem(unknown(name, port?.skills ?? []));
    if (!port.mayRead(skill))
      return problem(`The skill ${name} is only used when somebody asks for it: they write "use skill: ${name}".`);
    const path = skillPath(args['path'] === undefined ? '' : String(args['path']));
    if (!path.ok) return problem(path.message);
    if (args['path'] === undefined) {
      const bytes = encoder.encode(skill.body);
      const content = await port.read(skill, [], 0, 0).catch(() => NONE);
      const files = 'files' in content ? content : NONE;
      const about = offset === 0 ? listText(files) : '';
      return page(`skill ${name}`, bytes.subarray(offset, offset + PAGE), offset, bytes.length, about);
    }
    const content = await port.read(skill, path.parts, offset, PAGE);
    const what = `skill ${name}, ${path.parts.join('/') || 'its folder'}`;
    if (content.is === 'folder')
      return { content: `[${what}]\n${listText(content) || 'It is empty.'}`, is_error: false };
    return page(what, content.bytes, offset, content.size, '');
  },
};

function unknown(name: string, skills: readonly Skill[]): string {
  const says = `There is no skill ${JSON.stringify(name.slice(0, 100))} here.`;
  if (skills.length === 0) return says;
  const more = skills.length > NAMES ? ` and ${skills.length - NAMES} more` : '';
  const names = skills.slice(0, NAMES).map((skill) => skill.name);
  return `${says} There are: ${names.join(', ')}${more}.`;
}

function listText({ files, more }: FileList): string {
  if (files.length === 0) return '';
  const lines = files.map(({ path, bytes }) => `- ${path} (${bytes} bytes)`);
  const rest = more > 0 ? [`(and ${more} files more)`] : [];
  return ['Its files:', ...lines, ...rest].join('\n');
}

/** One page with where it lies. A page begins and ends between characters. */
function page(what: string, bytes: Uint8Array, offset: number, size: number, after: string): ToolOutcome {
  if (offset > size) return problem(`${what} ends at byte ${size}; there is nothing at ${offset}.`);
  if (bytes.includes(0)) return problem(`${what} is no text: ${size} bytes that cannot be shown.`);
  const { text, first, last } = between(bytes, offset + bytes.length >= size);
  const [from, to] = [offset + first, offset + last];
  const where = from === 0 && to >= size ? '' : `, bytes ${from} to ${to} of ${size}`;
  const on = to >= size ? '' : `; read on with offset ${to}`;
  return { content: `[${what}${where}${on}]\n${text}${after === '' ? '' : `\n\n${after}`}`, is_error: false };
}

/** The whole characters in a piece of UTF-8. */
function between(
  bytes: Uint8Array,
  end: boolean,
): { readonly text: string; readonly first: number; readonly last: number } {
  let first = 0;
  while (first < Math.min(3, bytes.length) && ((bytes[first] ?? 0) & 0xc0) === 0x80) first += 1;
  let last = bytes.length;
  if (!end) {
    let back = 1;
    while (back < 4 && back <= last && ((bytes[last - back] ?? 0) & 0xc0) === 0x80) back += 1;
    const lead = bytes[last - back] ?? 0;
    const needs = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (needs > back) last -= back;
  }
  return { text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(first, last)), first, last };
}
