// SPDX-License-Identifier: Apache-2.0
// `sigil open`: opens the web page in a browser that is signed in by a link which is good once, for a minute.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { object, text } from './json-reading.ts';
import { visible } from './terminal-text.ts';

/** How long the program that opens a browser may take to fail; one that still runs then has opened it, in milliseconds. */
const FAILS_WITHIN_MS = 3_000;

/** What opens an address here; undefined where nobody would see a browser. */
export function opener(
  platform: string,
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] | undefined {
  if (platform === 'darwin') return ['open'];
  // Not `start` of its shell, which would read the address as a command line.
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler'];
  return (env['DISPLAY'] ?? '') === '' && (env['WAYLAND_DISPLAY'] ?? '') === '' ? undefined : ['xdg-open'];
}

/** Whether a browser was opened. */
function opened([command = '', ...args]: readonly string[], url: string): Promise<boolean> {
  const { spawn } = process.getBuiltinModule('node:child_process');
  return new Promise((resolve) => {
    const child = spawn(command, [...args, url], { stdio: 'ignore', detached: true });
    const waited = setTimeout(() => resolve(true), FAILS_WITHIN_MS);
    const settle = (done: boolean): void => {
      clearTimeout(waited);
      resolve(done);
    };
    child.once('error', () => settle(false));
    child.once('exit', (status) => settle(status === 0));
    child.unref();
  });
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const link = object(await withGateway(call, (client) => client.post('/api/v1/auth/links', {})));
  const url = text(link['url']);
  const by = call.flag('print') ? undefined : opener(process.platform, process.env);
  const done = by !== undefined && (await opened(by, url));
  if (output.json) {
    output.document({ ...link, opened: done });
    return 0;
  }
  if (done) {
    output.line(`Opened ${visible(url.replace(/#.*/, ''))} in the browser.`);
    return 0;
  }
  output.line(visible(url));
  const why = call.flag('print')
    ? ''
    : by === undefined
      ? 'There is no display here. '
      : 'No browser could be opened. ';
  output.note(`${why}Open it within a minute: it signs a browser in once.`);
  return 0;
};
