// SPDX-License-Identifier: Apache-2.0
// `sigil backup create FILE`: asks the gateway that runs here for a backup, or makes it where none does, and reads it back.

import { createWriteStream, existsSync, renameSync, rmSync, type WriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { toFailure } from '../errors.ts';
import type { BackupManifest } from '../stores/backup.ts';
import { CliError } from './cli-error.ts';
import { GatewayClient } from './client.ts';
import type { Call, CommandRun } from './command.ts';
import { configOf } from './config-source.ts';
import { dataDirOf, namedUrl, routeTo, socketOf } from './connect.ts';
import { notWritten } from './not-written.ts';
import { bytesText, type ProgressLine, progressLine } from './progress-line.ts';
import { versionInfo } from './version.ts';

/** The file being written until it is whole: an archive under its own name is one that can be restored. */
function partOf(file: string): string {
  return join(dirname(file), `.${basename(file)}.part`);
}

/** Counts what passes, for the progress line. */
function counted(line: ProgressLine): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      line.show(`receiving the archive  ${bytesText(bytes)}`);
      done(null, chunk);
    },
  });
}

/** Has a running gateway make it. */
async function fromGateway(call: Call, client: GatewayClient, sink: Writable, line: ProgressLine): Promise<void> {
  const body = { with_secrets: call.flag('withSecrets') };
  const answer = await client.open('POST', '/api/v1/backups', { body });
  try {
    await pipeline(answer, counted(line), sink);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    // What cannot be written here is told as it is.
    if (code !== undefined && /^E(?:NOSPC|DQUOT|IO|FBIG)$/.test(code)) throw cause;
    throw new CliError(
      'connection_lost',
      'The gateway broke the backup off before it was whole.',
      'Its log says why; `sigil doctor` finds what is damaged.',
      { cause },
    );
  }
}

/** Makes it here when no gateway runs in the data directory, else has that one make it. */
async function make(call: Call, sink: () => Writable, line: ProgressLine): Promise<void> {
  const url = namedUrl(call);
  if (url !== undefined)
    return await fromGateway(call, new GatewayClient(routeTo(call, { kind: 'url', url })), sink(), line);
  const dataDir = dataDirOf(call);
  if (!existsSync(join(dataDir, 'journal.db'))) {
    throw new CliError(
      'not_found',
      `There is no journal in ${dataDir}, so there is nothing to back up.`,
      'Name the data directory with --data-dir, or a running gateway with --url.',
    );
  }
  const { source } = await configOf(call).catch(() => ({ source: { file: undefined } }));
  const keeping = await call.composition.dataKeeping();
  const to = sink();
  try {
    await keeping.backup({
      dataDir,
      withSecrets: call.flag('withSecrets'),
      version: versionInfo().version,
      configFile: source.file ?? null,
      sink: to,
      progress: line.data,
    });
  } catch (thrown) {
    if (toFailure(thrown).code !== 'conflict') throw thrown;
    const target = { kind: 'socket', path: socketOf(dataDir) } as const;
    await fromGateway(call, new GatewayClient(routeTo(call, target)), to.destroyed ? sink() : to, line);
  }
}

function leftOutLines({ left_out, config }: BackupManifest): readonly string[] {
  const lines = left_out.map(({ path, why }) => `  ${path}: ${why}`);
  if (config.file !== null) lines.push(`  ${config.file}: the configuration, which lies outside the data directory`);
  return lines.length === 0 ? [] : ['Not in it:', ...lines];
}

/** What a backup holds, for a person. */
export function manifestLines(file: string, manifest: BackupManifest): readonly string[] {
  const bytes = manifest.files.reduce((sum, one) => sum + one.bytes, 0);
  const secrets = manifest.secrets ? ', secrets included: keep it closed' : '';
  const files = `${manifest.files.length} files, ${bytesText(bytes)}`;
  return [`${file}: ${files}, the journal up to row ${manifest.journal.last}${secrets}`, ...leftOutLines(manifest)];
}

async function toFile(call: Call, file: string, line: ProgressLine): Promise<BackupManifest> {
  if (existsSync(file) && !call.flag('force')) {
    throw new CliError('conflict', `${file} is there already.`, 'Choose another name, or replace it with --force.');
  }
  const part = partOf(file);
  let stream: WriteStream | undefined;
  const sink = (): WriteStream => {
    stream = createWriteStream(part, { mode: 0o600, flush: true });
    return stream;
  };
  try {
    await make(call, sink, line);
    // A backup that nobody has read back is none.
    const keeping = await call.composition.dataKeeping();
    const manifest = await keeping.verify(part, line.data);
    const opened = await open(part, 'r');
    await opened.sync();
    await opened.close();
    renameSync(part, file);
    return manifest;
  } catch (thrown) {
    rmSync(part, { force: true });
    throw notWritten(thrown, file, stream?.bytesWritten ?? 0);
  }
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const [name = ''] = call.args;
  const line = progressLine(output);
  try {
    if (name === '-') {
      // What goes to a pipe cannot be read back: whoever takes it verifies it.
      await make(
        call,
        () => new Writable({ write: (chunk, _encoding, done) => void process.stdout.write(chunk, done) }),
        line,
      );
      return 0;
    }
    const file = resolve(name);
    const manifest = await toFile(call, file, line);
    line.end();
    if (output.json) output.document({ file, ...manifest });
    else for (const text of manifestLines(file, manifest)) output.line(text);
    return 0;
  } finally {
    line.end();
  }
};
