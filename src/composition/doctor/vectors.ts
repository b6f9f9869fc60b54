// SPDX-License-Identifier: Apache-2.0
// The check of vectors: whether SQLite's extension for them loads here. Without it search and recall go by words alone.

import { type Check, pass, warn } from '../../cli/doctor-check.ts';
import { vecTrouble } from '../../stores/sqlite/vec-extension.ts';

export const vectorsCheck: Check = {
  name: 'vectors',
  *run({ config }) {
    if (config.ok && !config.config.sessions.memory.embeddings.enabled) {
      yield pass('sessions.memory.embeddings is off: search and recall go by words alone');
      return;
    }
    const trouble = vecTrouble();
    if (trouble === undefined) yield pass('sqlite-vec loads');
    else yield warn(`${trouble}; search and recall go by words alone`, 'npm install --include=optional');
  },
};
