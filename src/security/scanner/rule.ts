// SPDX-License-Identifier: Apache-2.0
// What a rule of the scanner is: data, with the examples that prove it.

/** Where something is scanned: what a person sends, what a tool gives back, what a model answers. */
export type Stage = 'input' | 'tool' | 'output';

export const STAGES: readonly Stage[] = ['input', 'tool', 'output'];

/** What is done about a finding. */
export type Mode = 'block' | 'flag' | 'redact' | 'off';

/** What a rule looks for: somebody who wants to command the model, or something that lets one in somewhere. */
export type RuleKind = 'injection' | 'secret';

/** `medium`: alone it is flagged where `high` is blocked; two different ones together count as `high`. */
export type Severity = 'medium' | 'high';

export interface Rule {
  /** Kebab-case, unique, and never given to something else: it stands in records, audits and warnings. */
  readonly id: string;
  readonly kind: RuleKind;
  /** What a match means, in a few words. */
  readonly description: string;
  readonly severity: Severity;
  readonly stages: readonly Stage[];
  /**
   * In the dialect of `pattern.ts`: bounded repetition only. Injections are looked for in folded text (lower case, Latin
   * letters without their marks), secrets in text as it is after normalisation.
   */
  readonly pattern: string;
  /**
   * Folded texts of which every match holds at least one: without one of them the pattern is not even tried. `|` before one:
   * a word begins with it.
   */
  readonly keywords: readonly string[];
  /** Least Shannon entropy of a match, in bits a character: tells a secret from a placeholder. */
  readonly entropy?: number;
  /** Texts it must find, and texts it must not. */
  readonly match: readonly string[];
  readonly nomatch: readonly string[];
}

/** Where a rule matched, in UTF-16 units of the text that was given. */
export interface Finding {
  readonly rule: string;
  readonly kind: RuleKind;
  readonly severity: Severity;
  readonly start: number;
  readonly end: number;
  /** How it was hidden: written as base64. Absent: it stood there. */
  readonly hidden?: 'base64';
  /** It is quoted by somebody who talks about such texts. */
  readonly quoted?: true;
}
