// SPDX-License-Identifier: Apache-2.0
// The check of vectors: whether SQLite's extension for them loads here, what waits to be embedded and why, and what could not be.

import { join } from 'node:path';
import { type Check, type Finding, pass, warn } from '../../cli/doctor-check.ts';
import { object, objects, text } from '../../cli/json-reading.ts';
import { SigilError } from '../../errors.ts';
import { listDataFiles } from '../../stores/sqlite/data-files.ts';
import { lookInto } from '../../stores/sqlite/file-facts.ts';
import { givenUpIn, waitingIn } from '../../stores/sqlite/given-up.ts';
import { vecTrouble } from '../../stores/sqlite/vec-extension.ts';
import { embeddingChoice } from '../embedding-choice.ts';
import { untrimmed } from './databases.ts';

export const vectorsCheck: Check = {
  name: 'vectors',
  async *run({ dataDir, config, progress, ask }) {
    const choice = config.ok ? embeddingChoice(config.config) : undefined;
    if (choice?.kind === 'off') {
      yield pass('sessions.memory.embeddings is off: search and recall go by words alone');
      return;
    }
    if (choice?.kind === 'refused') yield warn(`${choice.message} ${choice.advice}`, 'sigil config validate');
    const trouble = vecTrouble();
    if (trouble === undefined) yield pass('sqlite-vec loads');
    else yield warn(`${trouble}; search and recall go by words alone`, 'npm install --include=optional');
    const why = whyByModel(await ask?.('/api/v1/status'));
    for (const { path } of listDataFiles(dataDir)) {
      if (!path.startsWith('workspaces/') || !path.endsWith('/vectors.db')) continue;
      progress(path);
      yield* waiting(dataDir, path, why);
      yield* givenUp(dataDir, path);
    }
  },
};

/** What a running gateway says of the models that could not embed the last time, by model. */
function whyByModel(status: unknown): ReadonlyMap<string, string> {
  const waiting = objects(object(status)['embeddings']).filter(({ state }) => state === 'waiting');
  return new Map(waiting.map(({ model, last_error }) => [text(model), text(object(last_error)['message'])]));
}

/** Texts that are to be embedded, and what they wait for. */
function* waiting(dataDir: string, path: string, why: ReadonlyMap<string, string>): Iterable<Finding> {
  for (const { model, texts } of looked(dataDir, path, waitingIn) ?? []) {
    const because = why.get(model);
    const many = texts === 1 ? '1 text of it waits' : `${texts} texts of it wait`;
    const says = `${join(dataDir, path)}: ${many} to be embedded with ${model}, and meanwhile is found by words`;
    // Where nobody has failed it is only a matter of time.
    if (because === undefined) yield pass(`${says}; a running gateway does that in the background`);
    else yield warn(`${says}: ${because}`, 'sigil status');
  }
}

function looked<T>(dataDir: string, path: string, look: Parameters<typeof lookInto<T>>[1]): T | undefined {
  try {
    return lookInto(join(dataDir, path), look);
  } catch (thrown) {
    // What cannot be read is told by the check of the databases.
    if (!(thrown instanceof SigilError)) throw thrown;
    return undefined;
  }
}

/** Texts that are found by their words only. */
function* givenUp(dataDir: string, path: string): Iterable<Finding> {
  const found = looked(dataDir, path, givenUpIn);
  if (found === undefined || found.texts === 0) return;
  const { texts, model } = found;
  const many = texts === 1 ? '1 text of it is' : `${texts} texts of it are`;
  const says =
    `${join(dataDir, path)}: ${many} found by words only, for ${model} could not embed them; the log names them ` +
    '(not_embeddable), and another model or a rebuild tries them again';
  yield warn(says, untrimmed(dataDir, path) ? `sigil doctor rebuild ${path}` : null);
}
