// SPDX-License-Identifier: Apache-2.0
// Loaded before a gateway: a platform sqlite-vec brings no library for.

import { registerHooks } from 'node:module';

registerHooks({
  load: (url, context, next) => {
    if (!/\/sqlite-vec\/index\.\w+$/.test(url)) return next(url, context);
    const source = `export function getLoadablePath() { throw new Error('Unsupported platform.'); }`;
    return { format: 'module', source, shortCircuit: true };
  },
});
