// SPDX-License-Identifier: Apache-2.0
// References in values: `${NAME}`, `file:///path`, `keyring://service/account`, checked early and resolved late.

/** What resolving a reference needs of the machine. */
export interface ReferenceSource {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads a file as text; throws when it cannot. */
  readText(path: string): string;
}

/** Why a reference leads nowhere. */
export type BrokenReferenceCode = 'env_not_set' | 'file_not_readable' | 'keyring_unavailable' | 'malformed_reference';

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
  return text.startsWith('file:///') || text.startsWith('keyring://') || /(^|[^$])\$\{/.test(text);
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

/**
 * The text behind a value that may hold references. Throws `BrokenReference` when one leads nowhere.
 * @param written the value as it stands in the configuration
 * @param source the environment and files of this machine
 */
export function resolveReferences(written: string, source: ReferenceSource): string {
  if (written.startsWith('keyring://')) {
    throw new BrokenReference(
      'keyring_unavailable',
      'keyring:// references are not available in this version',
      '${NAME} for an environment variable, or file:///path for a file only you may read',
    );
  }
  if (written.startsWith('file:///')) return fileText(written, source);
  return written.replaceAll(MARK, (whole, extra: string, name: string, end: string) => {
    if (extra !== '') return whole.slice(1);
    if (end === '' || !NAME.test(name)) {
      throw new BrokenReference(
        'malformed_reference',
        `\${${name}${end} is not a reference`,
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
    return value;
  });
}
