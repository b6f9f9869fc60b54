// SPDX-License-Identifier: Apache-2.0
// A measurement in a process of its own: what needs flags of node, a heap nobody else has used, or a second side for its load.

import { spawn } from 'node:child_process';

/**
 * Runs a program of `bench/` to its end and answers what it printed last, read as JSON.
 *
 * @param file its name in this folder
 * @param flags node's own, as `--expose-gc`
 * @throws Error when it ends otherwise than with 0 or prints no JSON
 */
export function inChild<T>(file: string, args: readonly string[] = [], flags: readonly string[] = []): Promise<T> {
  const path = new URL(file, import.meta.url).pathname;
  const child = spawn(process.execPath, [...flags, path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      const last = printed.trimEnd().split('\n').at(-1) ?? '';
      if (code !== 0) return reject(new Error(`${file} ended with ${code}`));
      try {
        resolve(JSON.parse(last) as T);
      } catch {
        reject(new Error(`${file} printed no figures: ${last.slice(0, 200)}`));
      }
    });
  });
}
