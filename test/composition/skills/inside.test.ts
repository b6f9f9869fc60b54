// SPDX-License-Identifier: Apache-2.0
// Nothing outside of a skill's folder is ever read: every way out that paths, links and timing offer, tried on a real disk.

import { execFileSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  contentInside,
  listInside,
  NotRead,
  openInside,
  skillRoot,
} from '../../../src/composition/skills/read-inside.ts';

const SECRET = 'outside-4c1d';
const base = mkdtempSync(join(tmpdir(), 'sigil-inside-'));
const place = join(base, 'skills');
const folder = join(place, 'a');
const at = (...parts: readonly string[]): string => join(folder, ...parts);
const socket = createServer();

beforeAll(async () => {
  mkdirSync(at('references', 'deep'), { recursive: true });
  mkdirSync(join(base, 'outside', 'deep'), { recursive: true });
  mkdirSync(join(place, 'ab'));
  writeFileSync(at('SKILL.md'), 'skill');
  writeFileSync(at('references', 'guide.md'), 'inside');
  writeFileSync(at('references', 'deep', 'x.md'), 'inside');
  for (const file of ['outside/secret', 'outside/deep/x.md', 'skills/ab/secret', 'outside/guide.md'])
    writeFileSync(join(base, file), SECRET);
  symlinkSync('references/guide.md', at('inner-link'));
  symlinkSync('references', at('inner-folder'));
  symlinkSync(join(base, 'outside', 'secret'), at('absolute-link'));
  symlinkSync('../../outside/secret', at('relative-link'));
  symlinkSync(join(base, 'outside'), at('folder-link'));
  symlinkSync('absolute-link', at('link-to-link'));
  symlinkSync('../ab', at('neighbour'));
  symlinkSync('..', at('up'));
  symlinkSync('loop', at('loop'));
  symlinkSync('/nowhere/at/all', at('dangling'));
  symlinkSync('/proc/self/environ', at('environ'));
  symlinkSync('/dev/zero', at('device'));
  symlinkSync('/dev/tty', at('terminal'));
  linkSync(join(base, 'outside', 'secret'), at('hard'));
  execFileSync('mkfifo', [at('pipe')]);
  writeFileSync(at('large'), '');
  truncateSync(at('large'), 9 * 1024 * 1024);
  await new Promise<void>((listening) => socket.listen(at('sock'), listening));
  symlinkSync(folder, join(place, 'linked'));
  writeFileSync(join(place, 'file'), 'x');
});

afterAll(() => {
  socket.close();
  rmSync(base, { recursive: true, force: true });
});

const read = async (...parts: readonly string[]): Promise<string> => {
  const content = await contentInside(await skillRoot(place, 'a'), parts, 0, 1_000);
  return content.is === 'file' ? Buffer.from(content.bytes).toString() : 'a folder';
};

describe('what lies in the folder', () => {
  it.each([
    [['SKILL.md'], 'skill'],
    [['references', 'guide.md'], 'inside'],
    [['inner-link'], 'inside'],
    [['inner-folder', 'deep', 'x.md'], 'inside'],
    [['references'], 'a folder'],
  ])('is read: %j', async (parts, text) => {
    expect(await read(...parts)).toBe(text);
  });

  it('is read in stretches', async () => {
    const root = await skillRoot(place, 'a');
    const stretch = async (from: number, most: number): Promise<string> => {
      const content = await contentInside(root, ['references', 'guide.md'], from, most);
      return content.is === 'file' ? `${Buffer.from(content.bytes)} of ${content.size}` : '';
    };
    expect(await stretch(2, 3)).toBe('sid of 6');
    expect(await stretch(4, 100)).toBe('de of 6');
    expect(await stretch(100, 3)).toBe(' of 6');
  });

  it('is listed without links and whatever is no file', async () => {
    const { files, more } = await listInside(await skillRoot(place, 'a'), []);
    expect(files.map(({ path }) => path)).toEqual(['hard', 'large', 'references/deep/x.md', 'references/guide.md']);
    expect(more).toBe(0);
  });
});

describe('what leads out of the folder', () => {
  it.each([
    ['a link to a file', ['absolute-link']],
    ['a relative link', ['relative-link']],
    ['a link to a folder', ['folder-link']],
    ['a file through a link to a folder', ['folder-link', 'secret']],
    ['a folder through a link to a folder', ['folder-link', 'deep', 'x.md']],
    ['a link to a link', ['link-to-link']],
    ['a link to a skill beside, whose name begins the same', ['neighbour', 'secret']],
    ['the folder above', ['up']],
    ['a file above by a link', ['up', 'ab', 'secret']],
    ['what is above by parts', ['..', 'ab', 'secret']],
    ['a long way up', [...Array.from({ length: 30 }, () => '..'), 'etc', 'passwd']],
    ['up and down again by a link', ['references', '..', '..', 'ab', 'secret']],
    ['a loop', ['loop']],
    ['a link to nothing', ['dangling']],
    ['what a process knows', ['environ']],
    ['a link to a device', ['device']],
    ['a link to a terminal', ['terminal']],
    ['another name of a file elsewhere', ['hard']],
    ['a pipe nobody writes to', ['pipe']],
    ['a socket', ['sock']],
    ['a file that is too large', ['large']],
    ['a file that is not there', ['nothing']],
    ['a file as if it were a folder', ['SKILL.md', 'x']],
    ['a name that no file system has', ['x'.repeat(300)]],
    ['a name with a zero', ['a\0b']],
  ])('is not read: %s', async (_, parts) => {
    const outcome = await read(...parts).catch((thrown: unknown) => thrown);
    expect(outcome).toBeInstanceOf(NotRead);
    expect(String(outcome)).not.toContain(SECRET);
  });

  it.each(['linked', 'file', 'nothing', '../outside', '..'])('is no folder of a skill: %s', async (name) => {
    const outcome = await skillRoot(place, name)
      .then(
        (root) => contentInside(root, ['guide.md'], 0, 100).then((content) => ({ root, content })),
        (thrown: unknown) => thrown,
      )
      .catch((thrown: unknown) => thrown);
    expect(outcome).toBeInstanceOf(NotRead);
  });
});

describe('what is swapped between the look and the opening', () => {
  const root = join(base, 'race', 'a');
  const outside = join(base, 'race', 'outside');
  const fresh = (): void => {
    rmSync(join(base, 'race'), { recursive: true, force: true });
    mkdirSync(join(root, 'references'), { recursive: true });
    mkdirSync(outside);
    writeFileSync(join(root, 'references', 'guide.md'), 'inside');
    writeFileSync(join(outside, 'guide.md'), SECRET);
  };
  /** Opens as the real one does, after somebody was quicker; what happens afterwards is undone before the next look. */
  const beaten = (swap: () => void, undo: () => void = () => undefined) => ({
    open: (async (...args: Parameters<typeof open>) => {
      swap();
      try {
        return await open(...args);
      } finally {
        undo();
      }
    }) as typeof open,
  });
  const folderSwap = (): void => {
    renameSync(join(root, 'references'), join(root, 'kept'));
    symlinkSync(outside, join(root, 'references'));
  };
  const folderBack = (): void => {
    rmSync(join(root, 'references'));
    renameSync(join(root, 'kept'), join(root, 'references'));
  };

  it.each([
    [
      'a file for a link',
      beaten(() => {
        rmSync(join(root, 'references', 'guide.md'));
        symlinkSync(join(outside, 'guide.md'), join(root, 'references', 'guide.md'));
      }),
    ],
    ['a folder for a link', beaten(folderSwap)],
    ['a folder for a link and back again', beaten(folderSwap, folderBack)],
    [
      'a file for a pipe',
      beaten(() => {
        rmSync(join(root, 'references', 'guide.md'));
        execFileSync('mkfifo', [join(root, 'references', 'guide.md')]);
      }),
    ],
    [
      'a file for another name of one elsewhere',
      beaten(() => {
        rmSync(join(root, 'references', 'guide.md'));
        linkSync(join(outside, 'guide.md'), join(root, 'references', 'guide.md'));
      }),
    ],
    [
      'the whole skill for another folder',
      beaten(() => {
        renameSync(root, `${root}-kept`);
        mkdirSync(join(outside, 'references'));
        writeFileSync(join(outside, 'references', 'guide.md'), SECRET);
        symlinkSync(outside, root);
      }),
    ],
  ])('is not read: %s', async (_, opening) => {
    fresh();
    const outcome = await openInside(root, ['references', 'guide.md'], opening).catch((thrown: unknown) => thrown);
    expect(outcome).toBeInstanceOf(NotRead);
  });

  it('is read when it is still the same', async () => {
    fresh();
    const { handle } = await openInside(
      root,
      ['references', 'guide.md'],
      beaten(() => undefined),
    );
    expect(await handle.readFile('utf8')).toBe('inside');
    await handle.close();
  });
});
