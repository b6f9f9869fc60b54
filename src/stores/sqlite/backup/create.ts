// SPDX-License-Identifier: Apache-2.0
// Makes a backup: copies one file at a time into an archive that goes out as a stream, views first and the journal last.

import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  createReadStream,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Pack, pack } from 'tar-stream';
import { failure, SigilError } from '../../../errors.ts';
import type { BackedUpFile, BackupManifest, CreateBackupOptions, LeftOut } from '../../backup.ts';
import { BACKUP_DIR, type DataFile, isDatabase, JOURNAL_FILE, listDataFiles } from '../data-files.ts';
import type { SqliteDatabase } from '../database.ts';
import { damagesOf, journalFacts, lookInto, viewFacts } from '../file-facts.ts';
import { codeOf, storageError } from '../storage-error.ts';
import { DATA_PREFIX, FORMAT, HEAD_ENTRY, MANIFEST_ENTRY, SUMS_ENTRY } from './archive.ts';
import { copyDatabase } from './copy-database.ts';

/** Where a crash test may end the process: a file copied, a file in the archive, all of them and no manifest yet. */
export type BackupPoint = 'backup.copied' | 'backup.packed' | 'backup.before_manifest';

export interface CreateOptions extends CreateBackupOptions {
  /** Where the archive goes; ended when it is whole, destroyed when it is not. */
  readonly sink: Writable;
  readonly point?: (name: BackupPoint) => void;
}

/** Fast, and most of what there is to gain on text. */
const GZIP_LEVEL = 4;
const CHUNK_BYTES = 256 * 1024;

/** A file of a skill that is larger is none that a model could read. */
const SKILL_BYTES = 64 * 1024 * 1024;

/** What is taken, in this order. */
const ORDER = ['view', 'primary', 'journal', 'blob', 'skill', 'secret'] as const;

/**
 * Copies what belongs to a data directory into one archive while a gateway may be running in it.
 *
 * Every database is copied as of one moment ({@link copyDatabase}), views first, then what is primary, then the journal:
 * so the journal is at or ahead of every view, and a start over the copies brings the views up to it. Blobs come after the
 * journal, because what a record names was stored before the record. A view that is damaged is left out and made again
 * when the backup is restored, unless the journal does not hold any more what it was made of.
 *
 * @throws SigilError `storage_failed`, or what the sink fails with
 */
export async function createBackup(options: CreateOptions): Promise<BackupManifest> {
  const { dataDir, sink } = options;
  const staging = join(dataDir, BACKUP_DIR);
  rmSync(staging, { recursive: true, force: true });
  const archive = pack();
  const sent = pipeline(archive, createGzip({ level: GZIP_LEVEL, chunkSize: CHUNK_BYTES }), sink);
  // It is waited for below, also when what fills the archive fails first.
  sent.catch(() => undefined);
  try {
    mkdirSync(staging, { mode: 0o700 });
    const job = new BackupJob(options, archive, staging);
    // When the sink is gone nobody takes from the archive any more, and filling it would wait for ever.
    const manifest = await Promise.race([job.run(), sent.then(() => gone(), gone)]);
    archive.finalize();
    await sent;
    return manifest;
  } catch (thrown) {
    const failedSink = sink.errored;
    archive.destroy();
    sink.destroy();
    // What the sink failed with is about the sink: whoever gave it knows what it is.
    throw failedSink ?? storageError(thrown, dataDir);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

function gone(cause?: unknown): never {
  throw cause instanceof Error ? cause : new Error('nobody takes the archive');
}

class BackupJob {
  readonly #options: CreateOptions;
  readonly #archive: Pack;
  readonly #staging: string;
  readonly #files: BackedUpFile[] = [];
  readonly #leftOut: LeftOut[] = [];
  #done = 0;
  #total = 0;

  constructor(options: CreateOptions, archive: Pack, staging: string) {
    this.#options = options;
    this.#archive = archive;
    this.#staging = staging;
  }

  async run(): Promise<BackupManifest> {
    const { dataDir, version, withSecrets, configFile, point } = this.#options;
    const created_at = new Date().toISOString();
    const found = listDataFiles(dataDir);
    if (!found.some(({ role }) => role === 'journal')) {
      throw new SigilError(
        failure('not_found', `${dataDir}: there is no journal here, so there is nothing to back up`),
      );
    }
    await this.#text(HEAD_ENTRY, `${JSON.stringify({ format: FORMAT, sigil: version, created_at })}\n`);
    const wanted = ORDER.flatMap((role) => found.filter((file) => file.role === role)).filter(
      ({ role }) => role !== 'secret' || withSecrets,
    );
    this.#total = wanted.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#note(found, withSecrets);
    for (const file of wanted) {
      if (isDatabase(file.role)) await this.#database(file);
      else if (file.role === 'skill') await this.#skill(file);
      else await this.#file(file, join(dataDir, file.path));
      this.#done += file.bytes;
    }
    const { journal } = this;
    point?.('backup.before_manifest');
    await this.#text(SUMS_ENTRY, this.#files.map(({ path, sha256 }) => `${sha256}  data/${path}\n`).join(''));
    const manifest: BackupManifest = {
      format: FORMAT,
      sigil: version,
      created_at,
      journal,
      secrets: withSecrets,
      config: { file: configFile, included: false },
      left_out: this.#leftOut,
      files: this.#files,
    };
    await this.#text(MANIFEST_ENTRY, `${JSON.stringify(manifest, null, 2)}\n`);
    return manifest;
  }

  /** The journal that was copied. */
  get journal(): BackupManifest['journal'] {
    if (this.#journal === undefined) throw new Error('the journal is copied before the manifest is written');
    return this.#journal;
  }
  #journal: BackupManifest['journal'] | undefined;
  readonly #upto = new Map<string, number>();

  #note(found: readonly DataFile[], withSecrets: boolean): void {
    for (const { path, role } of found) {
      if (role === 'secret' && !withSecrets)
        this.#leftOut.push({ path, why: 'a secret; --with-secrets takes it along' });
      if (role === 'unknown') this.#leftOut.push({ path, why: 'not a file of Sigil' });
      if (role === 'local') this.#leftOut.push({ path, why: 'of this machine only' });
    }
  }

  async #database(file: DataFile): Promise<void> {
    const { dataDir, point } = this.#options;
    const { path, role } = file;
    const copy = join(this.#staging, 'copy.db');
    rmSync(copy, { force: true });
    const source = join(dataDir, path);
    try {
      await copyDatabase(source, copy, (done) => this.#progress(path, done));
      this.#check(file, copy);
    } catch (thrown) {
      // A workspace may be deleted meanwhile.
      if (role === 'view' && statSync(source, { throwIfNoEntry: false }) === undefined) return;
      const error = storageError(thrown, source);
      // A copy that finds no place says nothing about what it is of.
      const about = error.failure.details?.['file'];
      if (role !== 'view' || about === copy || !this.#canBeMadeAgain(path)) throw error;
      this.#leftOut.push({ path, why: `${error.message}; it is made again when this is restored` });
      return;
    }
    point?.('backup.copied');
    await this.#file(file, copy);
    rmSync(copy, { force: true });
  }

  /** A backup of damage is none. Also takes down what the copies say of each other. */
  #check({ path, role }: DataFile, copy: string): void {
    const name = join(this.#options.dataDir, path);
    const look = (db: SqliteDatabase): void => {
      const [damage] = damagesOf(db, 'quick');
      if (damage !== undefined) {
        const message = `${name}: it is damaged (${damage.says}); \`sigil doctor\` says what to do`;
        throw new SigilError(failure('storage_failed', message, { file: path }));
      }
      if (role === 'view') this.#upto.set(path, viewFacts(db)?.upto ?? 0);
      if (role !== 'journal') return;
      const facts = journalFacts(path, db);
      this.#journal = { id: facts.id, last: facts.last };
      // The journal was trimmed while views were copied, of rows their copies had not got yet. It takes a view that is
      // behind by the whole retention; the next backup has them.
      const short = [...this.#upto].find(([view, upto]) => upto < facts.trimmed(view));
      if (short === undefined) return;
      throw new SigilError(failure('storage_failed', `${short[0]}: the journal was trimmed meanwhile; try again`));
    };
    lookInto(copy, look, name);
  }

  /** Somebody may be writing it, or put something else in its place: what is taken is a copy of what it was at one moment. */
  async #skill(file: DataFile): Promise<void> {
    const copy = join(this.#staging, 'copy.skill');
    const source = join(this.#options.dataDir, file.path);
    if (file.bytes > SKILL_BYTES) {
      this.#leftOut.push({ path: file.path, why: `a file of a skill with more than ${SKILL_BYTES} bytes` });
      return;
    }
    try {
      const opened = openSync(source, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      try {
        writeFileSync(copy, readFileSync(opened), { mode: 0o600 });
      } finally {
        closeSync(opened);
      }
    } catch (thrown) {
      if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(thrown))) return;
      throw storageError(thrown, source);
    }
    await this.#file(file, copy);
    rmSync(copy, { force: true });
  }

  #canBeMadeAgain(view: string): boolean {
    const journal = join(this.#options.dataDir, JOURNAL_FILE);
    return lookInto(journal, (db) => journalFacts(journal, db).trimmed(view) === 0);
  }

  async #file({ path, role }: DataFile, from: string): Promise<void> {
    if (role === 'temporary' || role === 'local' || role === 'unknown') return;
    const bytes = statSync(from, { throwIfNoEntry: false })?.size;
    // A blob may be erased meanwhile.
    if (bytes === undefined) return;
    const hash = createHash('sha256');
    const packed = this.#archive.entry({ name: `${DATA_PREFIX}${path}`, size: bytes, mode: 0o600 });
    try {
      await pipeline(
        createReadStream(from, { highWaterMark: CHUNK_BYTES, ...(bytes === 0 ? {} : { end: bytes - 1 }) }),
        async function* (chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            hash.update(chunk);
            yield chunk;
          }
        },
        packed,
      );
    } catch (thrown) {
      throw codeOf(thrown) === '' ? thrown : storageError(thrown, from);
    }
    this.#files.push({ path, role, bytes, sha256: hash.digest('hex') });
    this.#progress(path, bytes);
    this.#options.point?.('backup.packed');
  }

  #text(name: string, text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#archive.entry({ name, mode: 0o600 }, text, (error) => (error ? reject(error) : resolve()));
    });
  }

  #progress(file: string, bytes: number): void {
    this.#options.progress?.({
      step: 'copy',
      file,
      done: Math.min(this.#total, this.#done + bytes),
      total: this.#total,
    });
  }
}
