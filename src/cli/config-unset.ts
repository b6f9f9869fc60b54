// SPDX-License-Identifier: Apache-2.0
// `sigil config unset KEY`: takes a value, an entry or an item out of the file, so that the default is in force again.

import { valueAt } from '../config/walk.ts';
import { CliError } from './cli-error.ts';
import type { CommandRun } from './command.ts';
import { checkKey, makeChange, placeOf } from './config-change.ts';

export const run: CommandRun = async (call) => {
  checkKey(call);
  const place = await placeOf(call);
  if (place.file.text === null || valueAt(place.data, place.path) === undefined) {
    const what = `${call.args[0] ?? ''} is not written in ${place.file.path}, so there is nothing to take out.`;
    throw new CliError(
      'not_found',
      what,
      '`sigil config get` tells the value in force, a default or one of the environment.',
    );
  }
  return await makeChange(call, place, { path: place.path, unset: true });
};
