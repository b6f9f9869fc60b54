// SPDX-License-Identifier: Apache-2.0
// The check of the owner's token: that the command line can read it, nobody else can, and it is one.

import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Check, fail, pass } from '../../cli/doctor-check.ts';

/** What fits a header. */
const SENDABLE = /^[\x21-\x7e]{1,8192}$/;

export const tokenCheck: Check = {
  name: 'token',
  *run({ dataDir, config }) {
    const file = join(dataDir, 'owner.token');
    const configured = config.ok && (config.config.auth.tokens.length > 0 || config.config.auth.mode === 'none');
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) {
      return yield pass(
        configured ? 'auth says who may enter' : 'there is no owner.token yet; the first start makes it',
      );
    }
    // Modes are told by the check of the directory.
    if (!found.isFile()) return yield fail(`${file} is no file`, `mv ${file} ${file}.old`);
    let token: string;
    try {
      token = readFileSync(file, 'utf8').trim();
    } catch (thrown) {
      const why = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown);
      return yield fail(
        `${file} cannot be read (${why}), so no command gets in`,
        `sudo chown $(id -u) ${file} && chmod 600 ${file}`,
      );
    }
    if (SENDABLE.test(token))
      return yield pass(
        configured ? `${file} is not used: auth says who may enter` : `${file} is readable and a token`,
      );
    const says = token === '' ? 'is empty' : 'holds what no token can';
    yield {
      ...fail(`${file} ${says}; without it the next start makes another`, `rm ${file}`),
      fix: () => {
        rmSync(file);
        return `removed ${file}`;
      },
    };
  },
};
