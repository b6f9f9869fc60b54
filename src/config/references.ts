// SPDX-License-Identifier: Apache-2.0
// References in values: `${NAME}`, `file:///path`, `keyring://service/account`, checked early and resolved late.

import { isKeyringReference, nameInReference } from './secret-name.ts';

/** What resolving a reference needs of the machine. */
export interface ReferenceSource {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads a file as text; throws when it cannot. */
  readText(path: string): string;
}

/** Why a reference leads nowhere. */
export type BrokenReferenceCode = 'env_not_set' | 'file_not_readable' | 'not_a_secret' | 'malformed_reference';

/** A reference that leads nowhere. The message never holds a secret. */
export class BrokenReference extends Error {
  readonly code: BrokenReferenceCode;
  /** What would be right, in words. */
  readonly allowed: string;
  constructor(code: BrokenReferenceCode, message: string, allowed: string) {
    super(message);
    this.name = 'BrokenReference';
    this.code = code;
    this.allowed = allowed;
  }
}

// Two dollar signs before a brace stand for one, so that text may hold `${` itself.
const MARK = /\$(\$*)\{([^}]*)(\}?)/g;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** True when resolving the text needs the environment, a file or a keyring. */
export function isReference(text: string): boolean {
  return text.startsWith('file:///') || isKeyringReference(text) || /(^|[^$])\$\{/.test(text);
}

/** Writes literal text so that nothing in it is taken for a `${NAME}` reference. */
export function escapeReferences(text: string): string {
  return text.replaceAll(/\$+\{/g, (found) => `$${found}`);
}

function fileText(url: string, source: ReferenceSource): string {
  let path: string;
  try {
    path = decodeURIComponent(new URL(url).pathname);
  } catch {
    throw new BrokenReference('malformed_reference', `${url} is not a file address`, 'file:///absolute/path');
  }
  try {
    // Editors end files with a newline; no secret means to.
    return source.readText(path).replace(/\r?\n$/, '');
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new BrokenReference(
      'file_not_readable',
      `the file ${path} cannot be read${why}`,
      'a file this user may read',
    );
  }
}

/** Checks how a `keyring://` reference is written; whether anything is kept there, only the store of secrets knows. */
export function checkKeyringReference(written: string): void {
  if (nameInReference(written) !== undefined) return;
  throw new BrokenReference(
    'malformed_reference',
    // What stands behind the scheme may be the secret itself.
    'what follows keyring:// names no kept secret',
    'keyring://service/account',
  );
}

/**
 * The text behind a value that may hold references to the environment or to a file. Throws `BrokenReference` when one
 * leads nowhere, and for `keyring://`, which only the store of secrets can follow.
 *
 * @param written the value as it stands in the configuration
 * @param source the environment and files of this machine
 * @param found told the text of each reference, which may be a part of the whole only
 */
export function resolveReferences(
  written: string,
  source: ReferenceSource,
  found: (text: string) => void = () => undefined,
): string {
  if (isKeyringReference(written)) {
    throw new BrokenReference(
      'not_a_secret',
      'keyring:// stands for a secret, and this setting is none',
      'a plain value, ${NAME} for an environment variable, or file:///path for a file',
    );
  }
  if (written.startsWith('file:///')) {
    const text = fileText(written, source);
    found(text);
    return text;
  }
  return written.replaceAll(MARK, (whole, extra: string, name: string, end: string) => {
    if (extra !== '') return whole.slice(1);
    if (end === '' || !NAME.test(name)) {
      throw new BrokenReference(
        'malformed_reference',
        // A brace that was never closed may be followed by anything, a secret as well.
        `${end === '' ? '${ without its }' : `\${${name}}`} is not a reference`,
        '${NAME} with letters, digits and "_"; write $${ for a literal ${',
      );
    }
    const value = source.env[name];
    if (value === undefined || value === '') {
      throw new BrokenReference(
        'env_not_set',
        `the environment variable ${name} is not set`,
        `${name} set in the environment, or another value here`,
      );
    }
    found(value);
    return value;
  });
}
