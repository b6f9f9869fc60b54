// SPDX-License-Identifier: Apache-2.0
// The check of the machine under everything: which node runs this.

import { type Check, fail, pass } from '../../cli/doctor-check.ts';

/** The major version of node this is made for; package.json says the same to npm. */
const NEEDED = 24;

export const nodeCheck: Check = {
  name: 'node',
  *run() {
    const major = Number(process.versions.node.split('.')[0]);
    if (major >= NEEDED) yield pass(`node ${process.versions.node} on ${process.platform}-${process.arch}`);
    else yield fail(`node ${process.versions.node} is too old; Sigil needs ${NEEDED} or newer`, 'npm install');
  },
};
