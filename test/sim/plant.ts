// SPDX-License-Identifier: Apache-2.0
// Loaded before a simulation: puts one planted bug into the sources as they are read. Nothing on disk is changed.

import { registerHooks } from 'node:module';
import { plantedBugs, sourcesWith } from './planted.ts';

const name = process.env['PLANTED_BUG'];
const bug = plantedBugs().find((one) => one.name === name);
if (bug === undefined) throw new Error(`there is no planted bug ${name}`);
const sources = sourcesWith(bug);
registerHooks({
  load: (url, context, next) => {
    const source = sources.get(url);
    return source === undefined ? next(url, context) : { format: 'module-typescript', source, shortCircuit: true };
  },
});
