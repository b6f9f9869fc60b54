// SPDX-License-Identifier: Apache-2.0
// Where the configuration file is looked for and where data is kept, as pure functions of a given machine.

import { isAbsolute, join, resolve } from 'node:path';

/** What these functions may know of the machine. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly home: string;
  /** True when a file or folder stands at the path. */
  exists(path: string): boolean;
}

/** How the file was found: who named it decides how its absence is reported. */
export interface ConfigFile {
  readonly path: string;
  readonly by: 'flag' | 'env' | 'search';
}

/** The XDG rules ask to ignore a relative value. */
function xdg(value: string | undefined, fallback: string): string {
  return value !== undefined && isAbsolute(value) ? value : fallback;
}

/** The places searched, in order, when neither `--config` nor `$SIGIL_CONFIG` names a file. */
export function configSearchPaths({ env, cwd, home }: Omit<Surroundings, 'exists'>): readonly string[] {
  return [
    join(cwd, 'sigil.yaml'),
    join(xdg(env['XDG_CONFIG_HOME'], join(home, '.config')), 'sigil', 'sigil.yaml'),
    '/etc/sigil/sigil.yaml',
  ];
}

/**
 * The configuration file to read, or undefined when there is none, which is fine.
 * A file named by flag or environment is returned whether or not it exists: its absence is the user's to hear of.
 */
export function findConfigFile(around: Surroundings, flag?: string): ConfigFile | undefined {
  if (flag !== undefined && flag !== '') return { path: resolve(around.cwd, flag), by: 'flag' };
  const named = around.env['SIGIL_CONFIG'];
  if (named !== undefined && named !== '') return { path: resolve(around.cwd, named), by: 'env' };
  const path = configSearchPaths(around).find((candidate) => around.exists(candidate));
  return path === undefined ? undefined : { path, by: 'search' };
}

/** The data directory: `--data-dir`, `$SIGIL_DATA_DIR`, `$XDG_DATA_HOME/sigil`, `~/.local/share/sigil`. */
export function resolveDataDir({ env, cwd, home }: Omit<Surroundings, 'exists'>, flag?: string): string {
  if (flag !== undefined && flag !== '') return resolve(cwd, flag);
  const named = env['SIGIL_DATA_DIR'];
  if (named !== undefined && named !== '') return resolve(cwd, named);
  return join(xdg(env['XDG_DATA_HOME'], join(home, '.local', 'share')), 'sigil');
}
