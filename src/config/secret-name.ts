// SPDX-License-Identifier: Apache-2.0
// The names of kept secrets: `service/account`, how they are written as a reference and as an environment variable.

/** `service/account`: under what a secret is kept, whichever backend keeps it. */
export type SecretName = string & { readonly [brand]: 'SecretName' };
declare const brand: unique symbol;

/** What a name looks like, in words. */
export const SECRET_NAME_RULE =
  'NAME or SERVICE/ACCOUNT, each of letters, digits, ".", "_", "@", "+" and "-", starting with a letter or digit, at most 64 long';

/** The service of a name written without one. */
const OWN_SERVICE = 'sigil';
const SCHEME = 'keyring://';
const PART = '[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}';
const WHOLE = new RegExp(`^${PART}/${PART}$`);
const BARE = new RegExp(`^${PART}$`);

/** Reads `service/account`, or a bare name as `sigil/<name>`; undefined for anything else. */
export function parseSecretName(text: string): SecretName | undefined {
  if (WHOLE.test(text)) return text as SecretName;
  return BARE.test(text) ? (`${OWN_SERVICE}/${text}` as SecretName) : undefined;
}

/** The name in `keyring://service/account`; undefined when it is written otherwise. */
export function nameInReference(reference: string): SecretName | undefined {
  const name = reference.startsWith(SCHEME) ? reference.slice(SCHEME.length) : '';
  return WHOLE.test(name) ? (name as SecretName) : undefined;
}

/** True for text that is meant to be a `keyring://` reference, well written or not. */
export function isKeyringReference(text: string): boolean {
  return text.startsWith(SCHEME);
}

/** How a configuration refers to a kept secret. */
export function referenceTo(name: SecretName): string {
  return `${SCHEME}${name}`;
}

/** Service and account apart. */
export function partsOf(name: SecretName): { readonly service: string; readonly account: string } {
  const slash = name.indexOf('/');
  return { service: name.slice(0, slash), account: name.slice(slash + 1) };
}

/** What the variables of the environment backend begin with. */
export const SECRET_VARIABLE = 'SIGIL_SECRET_';

/** The variable that stands for a name in the environment backend. Names that differ only in signs or case share one. */
export function variableOf(name: SecretName): string {
  return SECRET_VARIABLE + name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
}
