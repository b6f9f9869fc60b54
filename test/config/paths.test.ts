// SPDX-License-Identifier: Apache-2.0
// Where the configuration file and the data directory are looked for.

import { describe, expect, it } from 'vitest';
import { configSearchPaths, findConfigFile, resolveDataDir } from '../../src/config/paths.ts';

const HOME = '/home/ada/.config/sigil/sigil.yaml';

function around(files: readonly string[], env: Record<string, string> = {}) {
  return { env, cwd: '/srv/app', home: '/home/ada', exists: (path: string) => files.includes(path) };
}

describe('the configuration file', () => {
  it('is searched in the documented order', () => {
    expect(configSearchPaths(around([]))).toEqual(['/srv/app/sigil.yaml', HOME, '/etc/sigil/sigil.yaml']);
    expect(findConfigFile(around(['/etc/sigil/sigil.yaml', HOME, '/srv/app/sigil.yaml']))?.path).toBe(
      '/srv/app/sigil.yaml',
    );
    expect(findConfigFile(around(['/etc/sigil/sigil.yaml', HOME]))?.path).toBe(HOME);
    expect(findConfigFile(around(['/etc/sigil/sigil.yaml']))?.path).toBe('/etc/sigil/sigil.yaml');
    expect(findConfigFile(around([]))).toBeUndefined();
  });

  it('is what --config names, else what $SIGIL_CONFIG names, existing or not', () => {
    const env = { SIGIL_CONFIG: 'named.yaml' };
    expect(findConfigFile(around(['/srv/app/sigil.yaml'], env), 'flag.yaml')).toEqual({
      path: '/srv/app/flag.yaml',
      by: 'flag',
    });
    expect(findConfigFile(around(['/srv/app/sigil.yaml'], env))).toEqual({ path: '/srv/app/named.yaml', by: 'env' });
  });

  it('follows XDG_CONFIG_HOME, but not a relative one', () => {
    expect(configSearchPaths(around([], { XDG_CONFIG_HOME: '/x' }))[1]).toBe('/x/sigil/sigil.yaml');
    expect(configSearchPaths(around([], { XDG_CONFIG_HOME: 'x' }))[1]).toBe(HOME);
  });
});

describe('the data directory', () => {
  it('is the flag, else the variable, else XDG, else home', () => {
    const env = { SIGIL_DATA_DIR: '/data', XDG_DATA_HOME: '/xdg' };
    expect(resolveDataDir(around([], env), 'here')).toBe('/srv/app/here');
    expect(resolveDataDir(around([], env))).toBe('/data');
    expect(resolveDataDir(around([], { XDG_DATA_HOME: '/xdg' }))).toBe('/xdg/sigil');
    expect(resolveDataDir(around([]))).toBe('/home/ada/.local/share/sigil');
  });
});
