// SPDX-License-Identifier: Apache-2.0
// A machine made of plain values for the configuration's tests: files and environment, nothing real.

import {
  type LoadedConfig,
  type LoadOptions,
  type LoadResult,
  loadConfig,
  type Machine,
  type RefusedConfig,
} from '../../src/config/load.ts';

/** What the tests' version of Sigil can run. */
export const KNOWN = { providerTypes: ['sigil'], channelTypes: ['http', 'cli', 'web'] };

/** A later version, with a vendor that wants a key. */
export const LATER = {
  providerTypes: ['sigil', 'anthropic', 'openai-compatible'],
  channelTypes: ['http', 'cli', 'web', 'telegram'],
  providerKeys: { anthropic: 'ANTHROPIC_API_KEY' },
};

/** A machine with these files and variables; missing files fail as the real ones do. */
export function machine(files: Record<string, string> = {}, env: Record<string, string> = {}): Machine {
  return {
    env,
    cwd: '/home/ada',
    home: '/home/ada',
    exists: (path) => Object.hasOwn(files, path),
    readText: (path) => {
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
      return text;
    },
  };
}

/** Loads a file's text as `./sigil.yaml` of a made-up machine. */
export function load(
  yaml: string,
  options: Partial<LoadOptions> & { env?: Record<string, string>; files?: Record<string, string> } = {},
): Promise<LoadResult> {
  const { env, files, ...rest } = options;
  return loadConfig({ known: KNOWN, machine: machine({ '/home/ada/sigil.yaml': yaml, ...files }, env), ...rest });
}

/** The result when it must be good. */
export function loaded(result: LoadResult): LoadedConfig {
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result;
}

/** The result when it must be refused. */
export function refused(result: LoadResult): RefusedConfig {
  if (result.ok) throw new Error('this configuration was expected to be refused');
  return result;
}
