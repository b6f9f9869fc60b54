// SPDX-License-Identifier: Apache-2.0
// The check of providers: a real call to each vendor with the key that is configured, all at once.

import { type Check, type CheckContext, type Finding, fail, pass, warn } from '../../cli/doctor-check.ts';
import { BUILT_IN_PROVIDER } from '../../config/entries.ts';
import type { Config } from '../../config/schema.ts';
import { nameInReference } from '../../config/secret-name.ts';
import { toFailure } from '../../errors.ts';
import { providerEntries } from '../config-scopes.ts';
import { createProviderLoader } from '../provider-loader.ts';
import { realWorld } from '../real-world.ts';
import { resolverOf } from './secrets.ts';
import { together } from './together.ts';

/** How long a vendor may take over its list of models, in milliseconds. */
const WITHIN = 15_000;
/** Where a key is asked about: OpenRouter gives its list of models to everybody. */
const OPENROUTER = 'https://openrouter.ai/api/v1';

export const providersCheck: Check = {
  name: 'providers',
  async *run(context) {
    const { config, dataDir } = context;
    if (!config.ok) return;
    const names = Object.keys(config.config.providers).filter((name) => name !== BUILT_IN_PROVIDER);
    if (names.length === 0)
      return yield pass('none is configured; sigil/offline answers, which is in here and knows little');
    const resolve = resolverOf(config, dataDir);
    const providers = providerEntries(config.config);
    const loader = createProviderLoader({ providers, world: realWorld, resolver: () => resolve });
    try {
      yield* together(context, names, WITHIN, (name, signal) => tried(context, config.config, name, loader, signal));
    } finally {
      loader.close();
    }
  },
};

async function tried(
  { config: loaded, dataDir }: CheckContext,
  config: Config,
  name: string,
  loader: ReturnType<typeof createProviderLoader>,
  signal: AbortSignal,
): Promise<Finding> {
  const entry = config.providers[name];
  try {
    if ((entry?.type ?? name) === 'openrouter') {
      const key = await resolverOf(loaded, dataDir)(entry?.api_key ?? '');
      const root = (entry?.endpoint ?? '') === '' ? OPENROUTER : (entry?.endpoint ?? '');
      const headers = { Authorization: `Bearer ${key}` };
      const { status } = await fetch(`${root.replace(/\/+$/, '')}/key`, { headers, signal });
      if (status === 401 || status === 403)
        return fail(`${name} does not take its key (${status})`, mendOf(config, name));
    }
    const provider = await loader.load(name);
    const began = realWorld.monotonic();
    const models = await provider.listModels();
    const problem = provider.listProblem?.();
    const took = Math.round(realWorld.monotonic() - began);
    if (problem === undefined) return pass(`${name} answers (${models.length} models, ${took} ms)`);
    return verdict(config, name, problem);
  } catch (thrown) {
    return verdict(config, name, toFailure(thrown).message);
  }
}

/** A wrong key is for somebody to mend; a vendor that cannot be reached may be back in a minute. */
function verdict(config: Config, name: string, says: string): Finding {
  const plain = says.replace(/\.$/, '');
  const what = plain.startsWith(`${name}: `) ? plain : `${name}: ${plain}`;
  if (/\b40[13]\b|\bkey\b|unauthor|forbidden|not kept|credential/i.test(says)) return fail(what, mendOf(config, name));
  return warn(`${what}; turns go to models.failover, or fail`, `sigil provider health ${name}`);
}

function mendOf({ providers }: Config, name: string): string {
  const kept = nameInReference(providers[name]?.api_key ?? '');
  if (kept !== undefined) return `sigil secret set ${kept}`;
  return `sigil secret set ${name}/api-key && sigil config set providers.${name}.api_key keyring://${name}/api-key`;
}
