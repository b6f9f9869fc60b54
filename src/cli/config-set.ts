// SPDX-License-Identifier: Apache-2.0
// `sigil config set KEY VALUE`: one value in the file, its comments and layout kept, checked before it is written.

import { decodeText } from '../config/env.ts';
import { platformValue } from '../config/load.ts';
import { factsOf } from '../config/walk.ts';
import { wrongUsage } from './cli-error.ts';
import type { Call, CommandRun } from './command.ts';
import { checkKey, makeChange, type Place, placeOf } from './config-change.ts';
import { pipedValue } from './piped-value.ts';

/** The words of the command line as the value the key wants. */
async function givenValue(call: Call, { path, schema, data }: Place): Promise<unknown> {
  const written = call.args[1] ?? '';
  const text = written === '-' ? await pipedValue() : written;
  const platform = await platformValue(data, path, text, await call.composition.knownTypes());
  if (platform !== undefined) return platform;
  const value = decodeText(schema, text);
  if (factsOf(schema)?.kind !== 'free') return value;
  // A plugin's own setting has no schema to go by: what reads as a number is meant as one.
  return value === text && /^-?\d{1,15}(\.\d+)?$/.test(text) ? Number(text) : value;
}

export const run: CommandRun = async (call) => {
  checkKey(call);
  const place = await placeOf(call);
  const value = await givenValue(call, place);
  if (value === undefined)
    throw wrongUsage('There is no value.', 'Write it behind the key; `sigil config unset KEY` takes one out.');
  return await makeChange(call, place, { path: place.path, value });
};
