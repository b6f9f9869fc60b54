// SPDX-License-Identifier: Apache-2.0
// The check of the sandbox: whether a command can be run in it, where that is switched on.

import { type Check, fail, pass } from '../../cli/doctor-check.ts';
import { createSandbox } from '../../plugins/sandbox/commands.ts';
import { realWorld } from '../real-world.ts';

/** How long the smallest command may take, in milliseconds. */
const WITHIN = 10_000;

export const sandboxCheck: Check = {
  name: 'sandbox',
  async *run({ config }) {
    if (!config.ok || !config.config.tools.exec_sandboxed.enabled) return;
    const sandbox = createSandbox({ world: realWorld, most: 1 });
    const tried = { id: 'doctor', command: 'exit 0', stdin: '', within: WITHIN };
    const outcome = await new Promise<Parameters<Parameters<typeof sandbox.run>[1]>[0]>((done) =>
      sandbox.run(tried, done),
    );
    if ('code' in outcome) yield fail(outcome.message, 'apt install bubblewrap');
    else if (outcome.exit_status === 0) yield pass('commands run in the sandbox');
    else yield fail(`a command in the sandbox ended with ${outcome.exit_status}: ${outcome.stderr.trim()}`, null);
  },
};
