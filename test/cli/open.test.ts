// SPDX-License-Identifier: Apache-2.0
// `sigil open`: a link that signs in, given to a browser where there is one, else printed.

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { opener } from '../../src/cli/open.ts';
import { setUp } from '../edge/setup.ts';
import { scratch, sigil } from './process.ts';

const LINK = /^http:\/\/127\.0\.0\.1:\d+\/debug#code=([\w-]{55})\n$/;

it('prints a link that signs in once, or has a browser open it', async () => {
  const { client, url } = await setUp();
  const home = scratch();
  const env = { SIGIL_URL: url, SIGIL_TOKEN: 'owner-token' };
  const printed = await sigil(['open', '--print'], home, { env });
  expect(printed.status).toBe(0);
  const code = LINK.exec(printed.stdout)?.[1] ?? '';
  const signIn = () => client.call('POST', '/auth/session', { token: null, json: { code } });
  expect([(await signIn()).status, (await signIn()).status]).toEqual([204, 401]);

  const nowhere = await sigil(['open'], home, { env });
  expect(nowhere.stdout).toMatch(LINK);
  expect(nowhere.stderr).toContain('no display');

  // A browser that notes what it was asked to open.
  const bin = join(home, 'bin');
  mkdirSync(bin);
  const asked = join(home, 'asked');
  writeFileSync(join(bin, 'xdg-open'), `#!/bin/sh\nprintf '%s\\n' "$1" > ${asked}\n`);
  chmodSync(join(bin, 'xdg-open'), 0o755);
  const PATH = `${bin}:${process.env['PATH'] ?? ''}`;
  const shown = await sigil(['open', '--json'], home, { env: { ...env, PATH, DISPLAY: ':7' } });
  expect(JSON.parse(shown.stdout)).toEqual({ url: expect.any(String), expires_at: expect.any(String), opened: true });
  expect(readFileSync(asked, 'utf8')).toMatch(LINK);
});

it('knows what opens an address where', () => {
  expect(opener('darwin', {})).toEqual(['open']);
  expect(opener('win32', {})).toEqual(['rundll32', 'url.dll,FileProtocolHandler']);
  expect(opener('linux', { DISPLAY: '' })).toBeUndefined();
  expect(opener('linux', { WAYLAND_DISPLAY: 'wayland-0' })).toEqual(['xdg-open']);
});
