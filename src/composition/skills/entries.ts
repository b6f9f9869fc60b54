// SPDX-License-Identifier: Apache-2.0
// The files of a skill that is to be put somewhere, from an archive (tar, tar.gz, zip) or a folder, one at a time.

import { createReadStream } from 'node:fs';
import { lstat, open, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { failure, SigilError } from '../../errors.ts';
import { NotRead, openInside } from './read-inside.ts';

/** One thing in an archive or folder. */
export interface SkillEntry {
  /** As it is written there. */
  readonly path: string;
  readonly is: 'file' | 'folder' | 'link' | 'other';
  readonly executable: boolean;
  /** Of a file; read before the next entry is asked for. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** What a skill may hold that is put somewhere: things, bytes of one file and of all, bytes of the archive itself. */
export const PUT_MOST = {
  entries: 2_000,
  file: 8 * 1024 * 1024,
  bytes: 32 * 1024 * 1024,
  archive: 16 * 1024 * 1024,
} as const;

const NO_CONTENT: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
};

function refused(message: string): SigilError {
  return new SigilError(failure('validation_failed', message));
}

/** What lies at a path of this machine: an archive or a folder. @throws SigilError */
export async function* entriesAt(path: string): AsyncGenerator<SkillEntry> {
  const found = await lstat(path).catch((thrown: NodeJS.ErrnoException) => {
    const code = thrown.code === 'ENOENT' || thrown.code === 'ENOTDIR' ? 'not_found' : 'storage_failed';
    const says = code === 'not_found' ? 'there is no such file or folder' : `it cannot be read (${thrown.code ?? '?'})`;
    throw new SigilError(failure(code, `${path}: ${says}`));
  });
  const real = await realpath(path);
  if (found.isDirectory() || (await lstat(real)).isDirectory()) yield* entriesOfFolder(real);
  else yield* entriesOfArchive(real);
}

/** Folders that belong to what a skill is worked on with. */
const PASSED_OVER: ReadonlySet<string> = new Set(['.git', '.hg', '.svn', 'node_modules', '__MACOSX']);

/** Whether something is not of the skill: what version control and file managers leave. */
export function isPassedOver(path: string): boolean {
  const parts = path.split('/');
  return parts.some((part) => PASSED_OVER.has(part) || part === '.DS_Store' || part.startsWith('._'));
}

async function* entriesOfFolder(root: string): AsyncGenerator<SkillEntry> {
  let looked = 0;
  async function* walk(parts: readonly string[]): AsyncGenerator<SkillEntry> {
    const found = await readdir(join(root, ...parts), { withFileTypes: true });
    for (const entry of found.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const below = [...parts, entry.name];
      const path = below.join('/');
      if (isPassedOver(path)) continue;
      looked += 1;
      if (looked > PUT_MOST.entries) throw tooMuch(`more than ${PUT_MOST.entries} files and folders`);
      if (entry.isDirectory()) {
        yield { path, is: 'folder', executable: false, content: NO_CONTENT };
        yield* walk(below);
      } else if (entry.isFile()) {
        const mode = (await lstat(join(root, ...below))).mode;
        yield { path, is: 'file', executable: (mode & 0o100) !== 0, content: contentOf(root, below) };
      } else yield { path, is: entry.isSymbolicLink() ? 'link' : 'other', executable: false, content: NO_CONTENT };
    }
  }
  yield* walk([]);
}

async function* contentOf(root: string, parts: readonly string[]): AsyncGenerator<Uint8Array> {
  try {
    const { handle, folder } = await openInside(root, parts);
    try {
      if (folder) throw new NotRead('It is a folder.');
      yield* handle.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>;
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    if (thrown instanceof NotRead) throw refused(`${parts.join('/')}: ${thrown.message}`);
    throw thrown;
  }
}

export function tooMuch(what: string): SigilError {
  return new SigilError(failure('payload_too_large', `A skill cannot hold ${what}.`));
}

async function* entriesOfArchive(file: string): AsyncGenerator<SkillEntry> {
  const head = Buffer.alloc(512);
  const handle = await open(file, 'r');
  let bytes: number;
  try {
    await handle.read(head, 0, head.length, 0);
    const found = await handle.stat();
    if (!found.isFile()) throw refused(`${file} is neither a folder nor an archive.`);
    bytes = found.size;
  } finally {
    await handle.close();
  }
  if (bytes > PUT_MOST.archive) throw tooMuch(`an archive of more than ${PUT_MOST.archive} bytes`);
  if (head[0] === 0x1f && head[1] === 0x8b) yield* entriesOfTar(createReadStream(file), true);
  else if (head.subarray(0, 4).equals(ZIP)) yield* entriesOfZip(file);
  else if (head.subarray(257, 262).toString('latin1') === 'ustar') yield* entriesOfTar(createReadStream(file), false);
  else throw refused('It is no archive that can be read: tar, tar.gz and zip can.');
}

const ZIP = Buffer.from([0x50, 0x4b, 0x03, 0x04]);

const TAR_TYPES: Readonly<Record<string, SkillEntry['is']>> = {
  file: 'file',
  'contiguous-file': 'file',
  directory: 'folder',
  symlink: 'link',
  link: 'link',
};

async function* entriesOfTar(from: Readable, gzipped: boolean): AsyncGenerator<SkillEntry> {
  const { extract } = await import('tar-stream');
  const unpacked = extract();
  const gunzip = gzipped ? createGunzip() : undefined;
  const fail = (error: Error): void => void unpacked.destroy(error);
  from.on('error', fail);
  gunzip?.on('error', fail);
  if (gunzip === undefined) from.pipe(unpacked);
  else from.pipe(gunzip).pipe(unpacked);
  try {
    for await (const entry of unpacked) {
      const { name, type, mode = 0 } = entry.header;
      const is = TAR_TYPES[type ?? 'file'] ?? 'other';
      yield { path: name, is, executable: (mode & 0o100) !== 0, content: entry as AsyncIterable<Uint8Array> };
      // What nobody has read is read to its end, so that the next one comes.
      entry.resume();
    }
  } catch (thrown) {
    if (thrown instanceof SigilError) throw thrown;
    throw refused(`The archive cannot be read (${thrown instanceof Error ? thrown.message : String(thrown)}).`);
  } finally {
    from.destroy();
    gunzip?.destroy();
    unpacked.destroy();
  }
}

async function* entriesOfZip(file: string): AsyncGenerator<SkillEntry> {
  const { openPromise } = await import('yauzl');
  try {
    const zip = await openPromise(file, { strictFileNames: true, validateEntrySizes: true });
    try {
      for await (const entry of zip.eachEntry()) {
        const mode = entry.externalFileAttributes >>> 16;
        const kind = mode & 0o170000;
        const is = entry.fileName.endsWith('/')
          ? 'folder'
          : kind === 0o120000
            ? 'link'
            : kind === 0 || kind === 0o100000
              ? 'file'
              : 'other';
        if (is !== 'file') yield { path: entry.fileName, is, executable: false, content: NO_CONTENT };
        else {
          const content = (async function* () {
            yield* (await zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>;
          })();
          yield { path: entry.fileName, is, executable: (mode & 0o100) !== 0, content };
        }
      }
    } finally {
      zip.close();
    }
  } catch (thrown) {
    if (thrown instanceof SigilError) throw thrown;
    throw refused(`The archive cannot be read (${thrown instanceof Error ? thrown.message : String(thrown)}).`);
  }
}
