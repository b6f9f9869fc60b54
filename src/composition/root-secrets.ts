// SPDX-License-Identifier: Apache-2.0
// The root's secrets. Apart from those of the other threads, which would load the whole configuration's schema with it.

import { thisMachine } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { plainSecrets } from '../config/secret-keys.ts';
import type { Redactor } from '../secrets/redactor.ts';
import { createResolver } from '../secrets/resolver.ts';
import type { ThreadSecrets } from './secrets.ts';

/** Those of the root, which open the store that the config names when the first reference needs it. */
export function rootSecrets(config: Config, dataDir: string, redactor: Redactor): ThreadSecrets {
  const source = thisMachine();
  const passphrase = source.env['SIGIL_SECRETS_PASSPHRASE'];
  if (passphrase !== undefined) redactor.add(passphrase);
  // What costs nothing to know is hidden before it is used.
  for (const value of plainSecrets(config, source)) redactor.add(value);
  const { resolve } = createResolver({
    redactor,
    source,
    open: async () => {
      const { openSecrets } = await import('../secrets/open.ts');
      return await openSecrets({ backend: config.secrets.backend, dataDir, env: source.env });
    },
  });
  return { redactor, resolve };
}
