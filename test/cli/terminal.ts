// SPDX-License-Identifier: Apache-2.0
// A terminal for tests: tmux draws what the command line draws, and types what a person types.

import { execFileSync, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { HANGS_MS } from '../patience.ts';
import { cleanEnv, FAKE, until } from './process.ts';

/** Why a test that needs a terminal cannot run here; undefined when it can. */
export const noTerminal = spawnSync('tmux', ['-V']).error === undefined ? undefined : 'tmux is not installed';

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** One terminal with one command in it. The status it exits with is written when it has ended. */
export class Terminal {
  readonly #socket: string;

  constructor(home: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#socket = join(home, `tmux-${Math.random().toString(36).slice(2)}`);
    const words = [process.execPath, FAKE, ...args].map(quoted).join(' ');
    const vars = Object.entries(cleanEnv(home, env)).map(([name, value]) => quoted(`${name}=${value}`));
    const command = `env ${vars.join(' ')} ${words}; echo "[left with $?]"; sleep 60`;
    this.#tmux('-f', '/dev/null', 'new-session', '-d', '-x', '80', '-y', '30', '-c', home, command);
  }

  #tmux(...args: readonly string[]): string {
    return execFileSync('tmux', ['-S', this.#socket, ...args], { encoding: 'utf8' });
  }

  /** Types text as it is. */
  type(text: string): void {
    this.#tmux('send-keys', '-l', text);
  }

  /** Presses keys by name: `Enter`, `C-c`, `Up`. */
  press(...keys: readonly string[]): void {
    this.#tmux('send-keys', ...keys);
  }

  /** A whole line. */
  say(text: string): void {
    this.type(text);
    this.press('Enter');
  }

  /** Pastes as a terminal does that marks pasted text. */
  paste(text: string): void {
    this.#tmux('set-buffer', text);
    this.#tmux('paste-buffer', '-p');
  }

  screen(): string {
    return this.#tmux('capture-pane', '-p').trimEnd();
  }

  cursorShown(): boolean {
    return this.#tmux('display', '-p', '#{cursor_flag}').trim() === '1';
  }

  async shows(what: string | RegExp, ms = HANGS_MS): Promise<void> {
    let seen = '';
    try {
      await until(() => {
        seen = this.screen();
        return typeof what === 'string' ? seen.includes(what) : what.test(seen);
      }, ms);
    } catch {
      throw new Error(`${String(what)} is not on the screen:\n${seen}`);
    }
  }

  close(): void {
    spawnSync('tmux', ['-S', this.#socket, 'kill-server']);
    rmSync(this.#socket, { force: true });
  }
}
