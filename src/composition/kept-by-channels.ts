// SPDX-License-Identifier: Apache-2.0
// Where a channel's adapter keeps how far it came: a small file each, which no backup has and whose loss costs what it was for.

import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeptText } from '../channels/connection-options.ts';
import { type Failure, toFailure } from '../errors.ts';

/** In the data directory; what begins with a dot there is made again. */
const FOLDER = '.channels';

/** What a channel keeps. A write that fails is told and no more: the next one is tried. @param odd told what could not be kept */
export function keptByChannel(dataDir: string, channel: string, odd: (error: Failure) => void): KeptText {
  const folder = join(dataDir, FOLDER);
  const file = join(folder, `${encodeURIComponent(channel)}.json`);
  let writing: Promise<void> = Promise.resolve();
  const put = async (text: string | null): Promise<void> => {
    if (text === null) return await rm(file, { force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // Replaced whole, so that a kill leaves the one or the other.
    await writeFile(`${file}.new`, text, { mode: 0o600 });
    await rename(`${file}.new`, file);
  };
  return {
    async read() {
      try {
        return await readFile(file, 'utf8');
      } catch {
        // It is not there, or cannot be read: then it is as if nothing had been kept.
        return null;
      }
    },
    write(text) {
      writing = writing.then(() => put(text)).catch((thrown: unknown) => odd(toFailure(thrown)));
      return writing;
    },
  };
}
