// SPDX-License-Identifier: Apache-2.0
// Secrets in the environment: `SIGIL_SECRET_<SERVICE>_<ACCOUNT>`, set by whoever starts the process, only read here.

import { parseSecretName, partsOf, SECRET_VARIABLE, type SecretName, variableOf } from '../config/secret-name.ts';
import { notKept, type SecretEntry, type SecretStore, secretFailure } from './store.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The name a variable is listed under; another one may be meant, because signs and case are lost in a variable. */
function nameIn(variable: string): SecretName | undefined {
  const [, service = '', account = ''] = /^([^_]+)_(.+)$/.exec(variable.slice(SECRET_VARIABLE.length)) ?? [];
  return service === '' ? undefined : parseSecretName(`${service}/${account}`.toLowerCase());
}

/** @param env read at every call, so that a changed variable counts at once */
export function createEnvStore(env: Environment): SecretStore {
  const refuse = (name: SecretName): never => {
    throw secretFailure(
      'conflict',
      `Secrets come from the environment here (secrets.backend: env), which sigil cannot change.`,
      `Set or unset ${variableOf(name)} where the gateway is started, or choose another secrets.backend.`,
    );
  };
  const found = (name: SecretName): string | undefined => {
    const value = env[variableOf(name)];
    return value === '' ? undefined : value;
  };
  return {
    backend: 'env',
    place: 'the environment',
    async get(name) {
      const value = found(name);
      if (value !== undefined) return value;
      const { service, account } = partsOf(name);
      const advice = `Set ${variableOf(name)} where the gateway is started.`;
      throw notKept(name, `the environment: no variable stands for service ${service}, account ${account}`, advice);
    },
    async set(name) {
      refuse(name);
    },
    async list() {
      const entries = Object.keys(env)
        .filter((variable) => variable.startsWith(SECRET_VARIABLE) && (env[variable] ?? '') !== '')
        .flatMap((variable): SecretEntry[] => {
          const name = nameIn(variable);
          return name === undefined ? [] : [{ name, setAt: null }];
        });
      return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },
    async remove(name) {
      refuse(name);
    },
    async close() {
      // There is nothing to forget: the environment is the process's own.
    },
  };
}
