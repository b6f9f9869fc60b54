// SPDX-License-Identifier: Apache-2.0
// Skills put in their places: from folders and archives of every kind, hostile ones too, copied, linked, and taken away.

import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Headers, pack } from 'tar-stream';
import { afterAll, describe, expect, it } from 'vitest';
import type { NoteSkill } from '../../../src/agent/skills/keeping.ts';
import { skillsOfFiles } from '../../../src/composition/skills/at-hand.ts';
import { PUT_MOST } from '../../../src/composition/skills/entries.ts';
import { stageSkill } from '../../../src/composition/skills/stage.ts';
import { defaultConfig } from '../../../src/config/schema.ts';
import { SigilError } from '../../../src/errors.ts';
import { zipOf } from './zip-of.ts';

const base = mkdtempSync(join(tmpdir(), 'sigil-put-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
let count = 0;
const fresh = (): string => {
  count += 1;
  const dir = join(base, String(count));
  mkdirSync(dir);
  return dir;
};

const skillText = (name: string, description = 'Does things.'): string =>
  `---\nname: ${name}\ndescription: ${description}\n---\nBody of ${name}.\n`;

interface Entry extends Partial<Headers> {
  readonly name: string;
  readonly text?: string | Buffer;
}

async function tar(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const { text = '', ...header } of entries) archive.entry(header, text);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const ONE: readonly Entry[] = [
  { name: 'pdf/SKILL.md', text: skillText('pdf') },
  { name: 'pdf/scripts/run.sh', text: '#!/bin/sh', mode: 0o755 },
];

function written(bytes: Buffer, name = 'upload'): string {
  const file = join(fresh(), name);
  writeFileSync(file, bytes);
  return file;
}

const noted: (readonly [string, Readonly<Record<string, unknown>>, string, string])[] = [];
const note: NoteSkill = async (...entry) => void noted.push(entry);

function house() {
  const dataDir = fresh();
  const config = { ...defaultConfig(), workspaces: { lab: {}, den: {} } } as unknown as ReturnType<
    typeof defaultConfig
  >;
  const keeping = skillsOfFiles.atHand(config, dataDir);
  return { dataDir, keeping, at: (...parts: string[]) => join(dataDir, 'workspaces', ...parts) };
}

const refusal = async (work: Promise<unknown>): Promise<string> => {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof SigilError)) throw new Error(`not refused as it should be: ${String(thrown)}`);
  return `${thrown.failure.code}: ${thrown.failure.message}`;
};

describe('installing', () => {
  it.each([
    ['a tar', async () => written(await tar(ONE))],
    ['a tar.gz', async () => written(gzipSync(await tar(ONE)))],
    [
      'an archive with the skill at its top',
      async () => written(await tar([{ name: './SKILL.md', text: skillText('pdf') }])),
    ],
    [
      'an archive with the skill deep in it',
      async () => written(await tar([{ name: 'repo-1/skills/pdf/SKILL.md', text: skillText('pdf') }])),
    ],
    [
      'a zip',
      async () => written(zipOf({ 'pdf/SKILL.md': skillText('pdf'), '__MACOSX/._x': 'y', 'pdf/.DS_Store': 'z' })),
    ],
    [
      'a folder',
      async () => {
        const dir = join(fresh(), 'pdf');
        mkdirSync(join(dir, '.git'), { recursive: true });
        writeFileSync(join(dir, 'SKILL.md'), skillText('pdf'));
        writeFileSync(join(dir, '.git', 'config'), 'x');
        return dir;
      },
    ],
  ])('takes %s', async (_, source) => {
    const { keeping, at } = house();
    const put = await keeping.install({ kind: 'path', path: await source() }, { place: 'lab' }, note);
    expect(put).toMatchObject({ name: 'pdf', state: 'ready', place: 'lab', problems: [], replaced: false });
    expect(readFileSync(at('lab', 'skills', 'pdf', 'SKILL.md'), 'utf8')).toBe(skillText('pdf'));
    expect(readdirSync(at('lab', 'skills'))).toEqual(['pdf']);
    expect(existsSync(at('lab', 'skills', 'pdf', '.git'))).toBe(false);
  });

  it('keeps what may be run, and takes bytes as they come', async () => {
    const { keeping, dataDir, at } = house();
    const file = written(gzipSync(await tar(ONE)));
    const source = { kind: 'archive', chunks: createReadStream(file) } as const;
    await keeping.install(source, { place: 'lab' }, note);
    expect(statSync(at('lab', 'skills', 'pdf', 'scripts', 'run.sh')).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(dataDir, '.skill-uploads'))).toEqual([]);
    expect((await keeping.show('lab', 'pdf')).files).toEqual([{ path: 'scripts/run.sh', bytes: 9 }]);
    expect(noted.at(-1)).toEqual([
      'skill.installed',
      { name: 'pdf', from: 'archive', files: 2, bytes: expect.any(Number), replaced: false },
      'lab',
      'ok',
    ]);
  });

  it('takes one of several, by its name, and gives one another', async () => {
    const { keeping } = house();
    const path = written(await tar([...ONE, { name: 'x/SKILL.md', text: skillText('x') }]));
    const install = (name?: string) => keeping.install({ kind: 'path', path }, { place: 'lab', name }, note);
    expect(await refusal(install())).toContain('There are 2 skills in it: x, pdf. Name the one to take.');
    expect(await install('x')).toMatchObject({ name: 'x' });
    const one = written(await tar(ONE));
    const renamed = await keeping.install({ kind: 'path', path: one }, { place: 'lab', name: 'forms' }, note);
    expect(renamed).toMatchObject({ name: 'forms', problems: [expect.stringContaining('not that of its folder')] });
  });

  it('replaces one only when told to, in one step', async () => {
    const { keeping, at } = house();
    const path = written(await tar(ONE));
    const newer = written(await tar([{ name: 'pdf/SKILL.md', text: skillText('pdf', 'Newer.') }]));
    await keeping.install({ kind: 'path', path }, { place: 'lab' }, note);
    const count = noted.length;
    expect(await refusal(keeping.install({ kind: 'path', path: newer }, { place: 'lab' }, note))).toContain('conflict');
    expect(noted).toHaveLength(count);
    const put = await keeping.install({ kind: 'path', path: newer }, { place: 'lab', replace: true }, note);
    expect(put).toMatchObject({ description: 'Newer.', replaced: true });
    expect(readdirSync(at('lab', 'skills'))).toEqual(['pdf']);
    expect(readdirSync(at('lab', 'skills', 'pdf'))).toEqual(['SKILL.md']);
  });

  it('is not done when it cannot be noted', async () => {
    const { keeping, at } = house();
    const path = written(await tar(ONE));
    const full: NoteSkill = () => Promise.reject(new Error('no room'));
    await expect(keeping.install({ kind: 'path', path }, { place: 'lab' }, full)).rejects.toThrow('no room');
    expect(readdirSync(at('lab', 'skills'))).toEqual([]);
  });
});

const HOSTILE: readonly (readonly [what: string, source: () => Promise<string> | string, says: string])[] = [
  ['a way up', async () => written(await tar([...ONE, { name: '../evil', text: 'x' }])), 'does not leave the folder'],
  [
    'a way up in the middle',
    async () => written(await tar([...ONE, { name: 'pdf/../../evil', text: 'x' }])),
    'does not leave',
  ],
  [
    'a path from the root',
    async () => written(await tar([...ONE, { name: '/tmp/evil', text: 'x' }])),
    'begins in the folder',
  ],
  ['a backslash', async () => written(await tar([...ONE, { name: 'pdf\\..\\evil', text: 'x' }])), 'written with /'],
  [
    'a link',
    async () => written(await tar([...ONE, { name: 'pdf/l', type: 'symlink', linkname: '/etc/passwd' }])),
    'pdf/l in it is a link',
  ],
  [
    'a hard link',
    async () => written(await tar([...ONE, { name: 'pdf/l', type: 'link', linkname: 'pdf/SKILL.md' }])),
    'pdf/l in it is a link',
  ],
  [
    'a link and a file through it',
    async () =>
      written(
        await tar([...ONE, { name: 'pdf/l', type: 'symlink', linkname: '/tmp' }, { name: 'pdf/l/evil', text: 'x' }]),
      ),
    'is a link',
  ],
  [
    'a device',
    async () => written(await tar([...ONE, { name: 'pdf/d', type: 'character-device', devmajor: 1, devminor: 5 }])),
    'no plain file',
  ],
  ['a pipe', async () => written(await tar([...ONE, { name: 'pdf/p', type: 'fifo' }])), 'no plain file'],
  ['a file twice', async () => written(await tar([...ONE, { name: 'pdf/./SKILL.md', text: 'x' }])), 'is in it twice'],
  [
    'a file where a folder is',
    async () => written(await tar([...ONE, { name: 'pdf/scripts', text: 'x' }])),
    'same name here',
  ],
  [
    'too many files',
    async () =>
      written(
        await tar(Array.from({ length: PUT_MOST.entries + 1 }, (_, at) => ({ name: `pdf/${at}/`, type: 'directory' }))),
      ),
    'payload_too_large',
  ],
  [
    'a file that is too large',
    async () => written(gzipSync(await tar([{ name: 'pdf/x', text: Buffer.alloc(PUT_MOST.file + 1) }, ...ONE]))),
    'payload_too_large',
  ],
  [
    'too much of all, packed small',
    async () => {
      const text = Buffer.alloc(PUT_MOST.file);
      const files = Array.from({ length: 5 }, (_, at) => ({ name: `pdf/${at}`, text }));
      return written(gzipSync(await tar([...ONE, ...files])));
    },
    'payload_too_large',
  ],
  ['no skill', async () => written(await tar([{ name: 'pdf/README.md', text: 'x' }])), 'There is no SKILL.md in it'],
  [
    'a skill that cannot be used',
    async () => written(await tar([{ name: 'pdf/SKILL.md', text: '---\nname: pdf\n---\n' }])),
    'It is no skill: it has no description',
  ],
  [
    'a skill without a name',
    async () => written(await tar([{ name: 'SKILL.md', text: '---\ndescription: x\n---\n' }])),
    'no name that a skill can have',
  ],
  ['half an archive', async () => written(gzipSync(await tar(ONE)).subarray(0, 150)), 'cannot be read'],
  ['no archive at all', () => written(Buffer.from('hello')), 'no archive that can be read'],
  ['nothing', () => written(Buffer.alloc(0)), 'no archive that can be read'],
  [
    'a zip with a way up',
    () => written(zipOf({ 'pdf/SKILL.md': skillText('pdf'), '../evil': 'x' })),
    'validation_failed',
  ],
  [
    'a zip with a link',
    () => written(zipOf({ 'pdf/SKILL.md': skillText('pdf') }, { 'pdf/l': '/etc/passwd' })),
    'pdf/l in it is a link',
  ],
  ['a path where nothing is', () => join(base, 'nothing'), 'not_found'],
  [
    'a folder with a link',
    () => {
      const dir = join(fresh(), 'pdf');
      mkdirSync(dir);
      writeFileSync(join(dir, 'SKILL.md'), skillText('pdf'));
      symlinkSync('/etc/passwd', join(dir, 'l'));
      return dir;
    },
    'l in it is a link',
  ],
];

describe('what is refused', () => {
  it.each(HOSTILE)('is %s, and nothing is left of it', async (_, source, says) => {
    const { keeping, dataDir, at } = house();
    const path = await source();
    expect(await refusal(keeping.install({ kind: 'path', path }, { place: 'lab' }, note))).toContain(says);
    expect(readdirSync(at('lab', 'skills'))).toEqual([]);
    expect(readdirSync(dataDir)).toEqual(['workspaces']);
    expect(readdirSync(base)).not.toContain('evil');
    expect(await keeping.list('lab')).toEqual([]);
  });

  it('is a stream without end, as soon as it is too long', async () => {
    const { keeping, dataDir } = house();
    let sent = 0;
    const chunks = (async function* () {
      for (;;) {
        sent += 1_048_576;
        yield Buffer.alloc(1_048_576);
      }
    })();
    expect(await refusal(keeping.install({ kind: 'archive', chunks }, { place: 'lab' }, note))).toContain(
      'payload_too_large',
    );
    expect(sent).toBeLessThan(PUT_MOST.archive + 2 * 1_048_576);
    expect(readdirSync(join(dataDir, '.skill-uploads'))).toEqual([]);
  });

  it('is a place that there is none of, and a name that is none', async () => {
    const { keeping } = house();
    const path = written(await tar(ONE));
    for (const place of ['nowhere', '../lab', '', 'lab/../den', '@other'])
      expect(await refusal(keeping.install({ kind: 'path', path }, { place }, note))).toMatch(
        /not_found|validation_failed/,
      );
    const named = keeping.install({ kind: 'path', path }, { place: 'lab', name: '../x' }, note);
    expect(await refusal(named)).toContain('no name of a skill');
  });
});

describe('copies and links', () => {
  it('one goes its own way, the other sees what becomes of the first', async () => {
    const { keeping, at } = house();
    const install = (description: string) =>
      tar([{ name: 'pdf/SKILL.md', text: skillText('pdf', description) }]).then((bytes) =>
        keeping.install({ kind: 'path', path: written(bytes) }, { place: 'lab', replace: true }, note),
      );
    await install('First.');
    await keeping.copy({ name: 'pdf', from: 'lab', to: 'personal:ada' }, note);
    expect(await keeping.link({ name: 'pdf', from: 'lab', to: 'den' }, note)).toMatchObject({
      place: 'lab',
      replaced: false,
    });
    await install('Second.');
    const of = async (place: string) => (await keeping.list(place)).map(({ description }) => description);
    expect([await of('personal:ada'), await of('den')]).toEqual([['First.'], ['Second.']]);
    expect(readdirSync(at('den', 'skills'))).toEqual(['pdf.link']);

    // A link of a link leads where the first one leads.
    await keeping.link({ name: 'pdf', from: 'den', to: '@shared' }, note);
    expect(await keeping.show('@shared', 'pdf')).toMatchObject({ description: 'Second.', place: 'lab' });

    expect(await keeping.remove('lab', 'pdf', note)).toMatchObject({
      linked_from: expect.arrayContaining(['den', '@shared']),
    });
    expect(await keeping.list('den')).toMatchObject([
      { state: 'unusable', problems: [expect.stringContaining('a link to')] },
    ]);
    expect(await keeping.remove('den', 'pdf', note)).toMatchObject({ removed: true, linked_from: [] });
    expect(readdirSync(at('den', 'skills'))).toEqual([]);
    expect(await of('personal:ada')).toEqual(['First.']);
  });

  it('are not made of what is not there, onto what is, or onto itself', async () => {
    const { keeping } = house();
    const path = written(await tar(ONE));
    await keeping.install({ kind: 'path', path }, { place: 'lab' }, note);
    await keeping.install({ kind: 'path', path }, { place: 'den' }, note);
    const move = { name: 'pdf', from: 'lab', to: 'den' };
    for (const put of [keeping.copy, keeping.link]) {
      expect(await refusal(put(move, note))).toContain('conflict');
      expect(await refusal(put({ ...move, to: 'lab' }, note))).toContain('itself');
      expect(await refusal(put({ ...move, name: 'x' }, note))).toContain('not_found');
      expect(await refusal(put({ ...move, name: '../den/skills/pdf' }, note))).toContain('not_found');
      expect(await refusal(put({ ...move, to: 'nowhere' }, note))).toContain('not_found');
    }
    expect(await keeping.link({ ...move, replace: true }, note)).toMatchObject({ place: 'lab', replaced: true });
    expect(await refusal(keeping.remove('lab', '../lab', note))).toContain('not_found');
  });
});

it('what was cut short is seen by nobody, and gone after a start', async () => {
  const { keeping, at } = house();
  await keeping.install({ kind: 'path', path: written(await tar(ONE)) }, { place: 'lab' }, note);
  const folder = at('lab', 'skills');
  await stageSkill(folder, written(await tar(ONE)), undefined, 'cut-short');
  expect(readdirSync(folder)).toEqual(['.staging-cut-short', 'pdf']);
  expect(await keeping.list('lab')).toHaveLength(1);
  const { tidyFolder } = await import('../../../src/composition/skills/stage.ts');
  await tidyFolder(folder);
  expect(readdirSync(folder)).toEqual(['pdf']);
});
