// SPDX-License-Identifier: Apache-2.0
// The check of vectors: whether SQLite's extension for them loads here, and which texts could not be embedded.

import { join } from 'node:path';
import { type Check, type Finding, pass, warn } from '../../cli/doctor-check.ts';
import { SigilError } from '../../errors.ts';
import { listDataFiles } from '../../stores/sqlite/data-files.ts';
import { lookInto } from '../../stores/sqlite/file-facts.ts';
import { givenUpIn } from '../../stores/sqlite/given-up.ts';
import { vecTrouble } from '../../stores/sqlite/vec-extension.ts';
import { untrimmed } from './databases.ts';

export const vectorsCheck: Check = {
  name: 'vectors',
  *run({ dataDir, config, progress }) {
    if (config.ok && !config.config.sessions.memory.embeddings.enabled) {
      yield pass('sessions.memory.embeddings is off: search and recall go by words alone');
      return;
    }
    const trouble = vecTrouble();
    if (trouble === undefined) yield pass('sqlite-vec loads');
    else yield warn(`${trouble}; search and recall go by words alone`, 'npm install --include=optional');
    for (const { path } of listDataFiles(dataDir)) {
      if (!path.startsWith('workspaces/') || !path.endsWith('/vectors.db')) continue;
      progress(path);
      yield* givenUp(dataDir, path);
    }
  },
};

/** Texts that are found by their words only. */
function* givenUp(dataDir: string, path: string): Iterable<Finding> {
  const file = join(dataDir, path);
  try {
    const found = lookInto(file, givenUpIn);
    if (found === undefined || found.texts === 0) return;
    const { texts, model } = found;
    const many = texts === 1 ? '1 text of it is' : `${texts} texts of it are`;
    const says =
      `${file}: ${many} found by words only, for ${model} could not embed them; the log names them (not_embeddable), ` +
      'and another model or a rebuild tries them again';
    yield warn(says, untrimmed(dataDir, path) ? `sigil doctor rebuild ${path}` : null);
  } catch (thrown) {
    // What cannot be read is told by the check of the databases.
    if (!(thrown instanceof SigilError)) throw thrown;
  }
}
