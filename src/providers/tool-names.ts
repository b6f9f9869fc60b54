// SPDX-License-Identifier: Apache-2.0
// Tools' names in the letters a vendor takes, and back: a plugin's tool may be called what a model's API refuses.

/** What a vendor takes as the name of a tool. */
export interface NameRule {
  /** One character that is not allowed; global, so that all are replaced. */
  readonly refused: RegExp;
  readonly longest: number;
  /** Whether the first character must be a letter or `_`. */
  readonly startsWithLetter: boolean;
}

export interface ToolNames {
  /** The name as the vendor takes it; the same for the same name within a request. */
  sent(name: string): string;
  /** Our name for what the model called; what it made up stays as it is. */
  ours(sent: string): string;
}

function fitted(name: string, rule: NameRule): string {
  const letters = name.replaceAll(rule.refused, '_');
  const first = letters === '' || (rule.startsWithLetter && !/^[a-z_]/i.test(letters)) ? `_${letters}` : letters;
  return first.slice(0, rule.longest);
}

/**
 * @param names the tools of one request; their order decides who keeps a name that two would get, so it is as stable as
 *   the request is
 */
export function toolNames(names: readonly string[], rule: NameRule): ToolNames {
  const sent = new Map<string, string>();
  const ours = new Map<string, string>();
  const add = (name: string): string => {
    const base = fitted(name, rule);
    let unique = base;
    for (let count = 2; ours.has(unique); count += 1) {
      const ending = `_${count}`;
      unique = base.slice(0, rule.longest - ending.length) + ending;
    }
    sent.set(name, unique);
    ours.set(unique, name);
    return unique;
  };
  // A name that fits is kept whatever the others are called.
  const [fit, rest] = [names.filter((name) => fitted(name, rule) === name), names];
  for (const name of [...fit, ...rest]) if (!sent.has(name)) add(name);
  return {
    // A tool of an earlier turn may be gone by now, and its calls are still in the history.
    sent: (name) => sent.get(name) ?? add(name),
    ours: (name) => ours.get(name) ?? name,
  };
}
