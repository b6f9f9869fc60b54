// SPDX-License-Identifier: Apache-2.0
// Reads a backup's archive as a stream: every file to whoever wants it, every checksum held against the manifest.

import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import type { z } from 'zod';
import { failure, SigilError } from '../../../errors.ts';
import type { BackupManifest, DataProgress } from '../../backup.ts';
import { codeOf, storageError } from '../storage-error.ts';
import {
  broken,
  DATA_PREFIX,
  FORMAT,
  HEAD_ENTRY,
  Head,
  isPlainPath,
  MANIFEST_ENTRY,
  Manifest,
  SUMS_ENTRY,
} from './archive.ts';

export interface ReadArchiveOptions {
  readonly file: string;
  /** Where a file's content goes, by its path in the data directory; nowhere when not given. */
  readonly open?: (path: string, bytes: number) => Writable;
  readonly progress?: (progress: DataProgress) => void;
}

/** The most a text entry (head, sums, manifest) may hold: about a million files. */
const TEXT_BYTES = 256 * 1024 * 1024;

/**
 * Reads an archive to its end.
 *
 * @throws SigilError `not_found` without the file, `validation_failed` when it is no backup, is cut short, or anything in
 * it is not as its manifest says, `storage_failed` when it cannot be read or what it holds cannot be written
 */
export async function readArchive({ file, open, progress }: ReadArchiveOptions): Promise<BackupManifest> {
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  if (size === undefined) throw new SigilError(failure('not_found', `${file}: there is no such file`));
  const seen = new Map<string, { readonly bytes: number; readonly sha256: string }>();
  const state: { head: boolean; sums: boolean; manifest: BackupManifest | undefined } = {
    head: false,
    sums: false,
    manifest: undefined,
  };
  const sha256 = async (content: AsyncIterable<Buffer>, to: Writable, path: string, bytes: number): Promise<void> => {
    const hash = createHash('sha256');
    await pipeline(
      content,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          yield chunk;
        }
      },
      to,
    );
    seen.set(path, { bytes, sha256: hash.digest('hex') });
  };
  const entries = extract();
  let read = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      read += chunk.length;
      progress?.({ step: 'unpack', file: '', done: read, total: size });
      done(null, chunk);
    },
  });
  const fed = pipeline(createReadStream(file, { highWaterMark: 256 * 1024 }), counted, createGunzip(), entries);
  // Looked at below: the loop over the entries fails with the same.
  fed.catch(() => undefined);
  try {
    for await (const entry of entries) {
      const { name, type, size: bytes = 0 } = entry.header;
      if (state.manifest !== undefined) throw broken(file, `${name} comes after its manifest`);
      if (!state.head && name !== HEAD_ENTRY) throw broken(file, 'it is no backup of Sigil');
      if (type !== 'file') throw broken(file, `${name} is no plain file`);
      if (name === HEAD_ENTRY) {
        checkFormat(file, textJson(file, name, await textOf(file, entry, bytes)));
        state.head = true;
      } else if (name === SUMS_ENTRY) {
        // For `sha256sum -c`; the manifest says the same.
        await textOf(file, entry, bytes);
        state.sums = true;
      } else if (name === MANIFEST_ENTRY) {
        state.manifest = parsed(file, Manifest, textJson(file, name, await textOf(file, entry, bytes)));
      } else if (name.startsWith(DATA_PREFIX) && isPlainPath(name.slice(DATA_PREFIX.length))) {
        const path = name.slice(DATA_PREFIX.length);
        if (seen.has(path)) throw broken(file, `${name} is in it twice`);
        const to = open?.(path, bytes) ?? new Writable({ write: (_chunk, _encoding, done) => done() });
        await sha256(entry, to, path, bytes);
      } else throw broken(file, `${JSON.stringify(name)} is no file of a backup`);
    }
    await fed;
  } catch (thrown) {
    entries.destroy();
    throw asBroken(file, thrown);
  }
  if (!state.head) throw broken(file, 'it is no backup of Sigil');
  if (state.manifest === undefined) throw broken(file, 'it is cut short: its manifest is missing');
  compare(file, state.manifest, seen);
  return state.manifest;
}

function compare(
  file: string,
  manifest: BackupManifest,
  seen: ReadonlyMap<string, { readonly bytes: number; readonly sha256: string }>,
): void {
  for (const { path, bytes, sha256 } of manifest.files) {
    const found = seen.get(path);
    if (found === undefined) throw broken(file, `${path} is missing in it`);
    if (found.bytes !== bytes || found.sha256 !== sha256)
      throw broken(file, `${path} in it is damaged (its checksum differs)`);
  }
  const listed = new Set(manifest.files.map(({ path }) => path));
  const strange = [...seen.keys()].find((path) => !listed.has(path));
  if (strange !== undefined) throw broken(file, `${strange} is in it and not in its manifest`);
  if (manifest.files.filter(({ role }) => role === 'journal').length !== 1) throw broken(file, 'it holds no journal');
}

function checkFormat(file: string, head: unknown): void {
  const { format, sigil } = parsed(file, Head, head);
  if (format <= FORMAT) return;
  throw broken(file, `it was made by a newer Sigil (${sigil}, format ${format}); use that version or a later one`);
}

function parsed<T>(file: string, schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw broken(file, `its manifest is not valid (${issue?.path.join('.') ?? ''} ${issue?.message ?? ''})`);
}

function textJson(file: string, name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw broken(file, `${name} in it is not JSON`, thrown);
  }
}

async function textOf(file: string, content: AsyncIterable<Buffer>, bytes: number): Promise<string> {
  if (bytes > TEXT_BYTES) throw broken(file, 'its manifest is too long');
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** What gunzip and tar say of a file they cannot read. */
function asBroken(file: string, thrown: unknown): SigilError {
  if (thrown instanceof SigilError) return thrown;
  const code = codeOf(thrown);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (code === 'Z_BUF_ERROR' || /unexpected end/i.test(message)) return broken(file, 'it is cut short', thrown);
  if (code.startsWith('Z_')) return broken(file, 'it is no backup of Sigil, or it is damaged', thrown);
  if (/^(?:E[A-Z]+|SQLITE_)/.test(code) && !code.startsWith('ERR_')) return storageError(thrown, file);
  return broken(file, `it cannot be read (${message})`, thrown);
}
