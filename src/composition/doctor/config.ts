// SPDX-License-Identifier: Apache-2.0
// The check of the configuration: that it loads, and what of it is left out.

import { type Check, fail, pass, warn } from '../../cli/doctor-check.ts';

export const configCheck: Check = {
  name: 'config',
  *run({ config }) {
    const file = config.source.file ?? 'the defaults, without a file';
    for (const { message } of config.warnings) yield warn(message, 'sigil config validate');
    if (!config.ok) {
      for (const { message } of config.problems) yield fail(message, 'sigil config validate');
      return;
    }
    for (const { message, advice } of config.quarantined) yield warn(`${message} ${advice}`, mendIn(advice));
    if (config.warnings.length === 0 && config.quarantined.length === 0) yield pass(`${file}: valid`);
  },
};

/** The command that an advice names: what it says to set is what is missing. */
function mendIn(advice: string): string {
  return /`(sigil secret set [^`]+)`/.exec(advice)?.[1] ?? 'sigil config validate';
}
