// SPDX-License-Identifier: Apache-2.0
// The configuration file as commands write it: which one it is, replaced whole or not at all, with the mode it had.

import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { thisMachine } from '../config/load.ts';
import { configSearchPaths, findConfigFile } from '../config/paths.ts';
import { CliError } from './cli-error.ts';
import type { Call } from './command.ts';

/** For whoever has the machine's account alone: keys may stand in it. */
const MODE = 0o600;

/** A file of the configuration, there or not yet. */
export interface ConfigText {
  /** Absolute, symbolic links followed. */
  readonly path: string;
  /** Null where there is no file yet. */
  readonly text: string | null;
}

function why(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown);
}

/** Reads a file that may not be there. @throws CliError where it cannot be read */
export function readConfigText(path: string): ConfigText {
  try {
    return { path: realpathSync(path), text: readFileSync(path, 'utf8') };
  } catch (thrown) {
    if (why(thrown) === 'ENOENT') return { path, text: null };
    throw new CliError(
      'storage_failed',
      `The configuration ${path} cannot be read (${why(thrown)}).`,
      'Give this user access to it, or name another file with --config.',
      { cause: thrown },
    );
  }
}

/**
 * The file that a change belongs in: the one in use, else the one of this user, which is found from every directory.
 *
 * @throws CliError where it cannot be read
 */
export function configFileOf({ globals }: Call): ConfigText {
  const machine = thisMachine();
  const found = findConfigFile(machine, globals.config);
  const own = configSearchPaths(machine)[1] ?? join(machine.cwd, 'sigil.yaml');
  return readConfigText(found?.path ?? own);
}

/**
 * Writes a file in the place of another: whoever reads it sees the one or the other, a crash leaves one of them, and it keeps
 * mode and owner.
 *
 * @throws CliError `conflict` where somebody else changed it since it was read, `storage_failed` where it cannot be written
 */
export function writeConfigText({ path, text: before }: ConfigText, text: string): void {
  const folder = dirname(path);
  const scratch = join(folder, `.sigil.yaml.${randomBytes(6).toString('hex')}`);
  try {
    if (readConfigText(path).text !== before) {
      throw new CliError('conflict', `${path} was changed by somebody else meanwhile.`, 'Run the command again.');
    }
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const old = statSync(path, { throwIfNoEntry: false });
    const file = openSync(scratch, 'wx', MODE);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    if (old !== undefined) {
      if (old.uid !== process.getuid?.() || old.gid !== process.getgid?.()) chownSync(scratch, old.uid, old.gid);
      chmodSync(scratch, old.mode & 0o7777);
    }
    renameSync(scratch, path);
  } catch (thrown) {
    rmSync(scratch, { force: true });
    if (thrown instanceof CliError) throw thrown;
    const advice = 'Give this user access to its directory, or name another file with --config. Nothing was changed.';
    throw new CliError('storage_failed', `${path} cannot be written (${why(thrown)}).`, advice, { cause: thrown });
  }
}
