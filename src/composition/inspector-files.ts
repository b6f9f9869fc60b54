// SPDX-License-Identifier: Apache-2.0
// The inspector's files: those beside a bundle, or in a checkout those that are built when somebody first opens the page.
// Nothing here is loaded before that.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { PageFile, PageFiles } from '../edge/ports.ts';
import { failure, SigilError } from '../errors.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
/** In a bundle everything lies flat in one directory, and the page's files in one below it. */
const BUNDLED = join(HERE, 'inspector');
const CHECKOUT = join(HERE, '../..');
const BUILT = join(CHECKOUT, 'node_modules/.cache/sigil-inspector');
/** How long a build may take, in milliseconds; it takes some tenths of a second. */
const BUILD_MS = 60_000;
/** A name of a built file: nothing in it leads anywhere else. */
const NAME = /^[A-Za-z0-9_-]+(?:\.[a-z]+)+$/;
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
};

/** The page's files, whether or not this is a checkout. */
export function inspectorFiles(): PageFiles {
  return import.meta.url.endsWith('.ts') ? checkoutFiles() : builtFiles(BUNDLED);
}

/** Files under the names of their contents never change, so each is read once; a handful, some hundred KB together. */
function builtFiles(dir: string): PageFiles {
  const read = new Map<string, PageFile>();
  return {
    page: () => fileOf(join(dir, 'index.html')),
    asset: async (name) => {
      const known = read.get(name);
      if (known !== undefined || !NAME.test(name)) return known;
      const file = await fileOf(join(dir, 'assets', name));
      if (file !== undefined) read.set(name, file);
      return file;
    },
  };
}

/** What has changed is built anew when the page is opened again: so whoever works on it just reloads. */
function checkoutFiles(): PageFiles {
  const files = builtFiles(BUILT);
  let building: Promise<void> | undefined;
  const fresh = async (): Promise<void> => {
    if ((await newest(join(CHECKOUT, 'inspector'))) < (await changed(join(BUILT, 'index.html')))) return;
    building ??= build().finally(() => {
      building = undefined;
    });
    await building;
  };
  return {
    page: async () => {
      await fresh();
      return await files.page();
    },
    asset: (name) => files.asset(name),
  };
}

/** In a process of its own: the bundler is none of what a gateway runs, and would hold up its loop. */
async function build(): Promise<void> {
  try {
    await promisify(execFile)(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', join(CHECKOUT, 'tools/inspector.ts'), BUILT],
      { cwd: CHECKOUT, timeout: BUILD_MS },
    );
  } catch (cause) {
    // Another gateway of this checkout may have built it at the same moment.
    if ((await changed(join(BUILT, 'index.html'))) > 0) return;
    const why = 'The inspector could not be built from this checkout. Run `npm ci` here, then `node tools/inspector.ts';
    throw new SigilError(failure('internal', `${why} ${BUILT}\` to see what is wrong.`), { cause });
  }
}

async function fileOf(path: string): Promise<PageFile | undefined> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (bytes === undefined) return undefined;
  const type = TYPES[extname(path)] ?? 'application/octet-stream';
  return { type, bytes, etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"` };
}

/** When the newest of the sources, or of the rules they are built by, was changed. */
async function newest(dir: string): Promise<number> {
  const names = await readdir(dir, { recursive: true });
  const files = [...names.map((name) => join(dir, name)), join(CHECKOUT, 'tools/inspector.ts')];
  return Math.max(...(await Promise.all(files.map(changed))));
}

/** In milliseconds; 0 when it is not there. */
async function changed(path: string): Promise<number> {
  return await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}
