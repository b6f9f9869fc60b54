// SPDX-License-Identifier: Apache-2.0
// Rules, compiled once, and a text gone through with all of them: one pass for their keywords, then each only near its own.

import { base64Spans } from './base64-spans.ts';
import { KeywordTable } from './keywords.ts';
import { fold, type Normalised, normalise } from './normalise.ts';
import { parsePattern } from './pattern.ts';
import { longestOf } from './pattern-bounds.ts';
import { quotedAt } from './quoted.ts';
import type { Finding, Rule, RuleKind, Stage } from './rule.ts';

interface CompiledRule {
  readonly rule: Rule;
  readonly regexp: RegExp;
  /** Units of the longest match; 0 until it is needed, for to work that out for all of them would delay every start. */
  longest: number;
}

/** A stretch of a text in which a rule is tried. */
interface Reach {
  from: number;
  to: number;
}

/** What a keyword begins with that a word must begin with. */
const WORD_BEGINS = '|';
const bare = (keyword: string): string => (keyword.startsWith(WORD_BEGINS) ? keyword.slice(1) : keyword);

/** Whether a unit of a folded text belongs to a word of the Latin alphabet. */
function isWord(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 48 && code <= 57);
}

/** Findings of one text that are told: more say nothing new. */
const FINDINGS_MOST = 1_000;

/** Bits a unit of a text tells on average (Shannon, 1948). */
export function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (let at = 0; at < text.length; at += 1) {
    const unit = text[at] ?? '';
    counts.set(unit, (counts.get(unit) ?? 0) + 1);
  }
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

/** Rules ready to be used; made once for a set of rules. */
export class ScanEngine {
  readonly #rules: readonly CompiledRule[];
  readonly #table: KeywordTable;
  /** For each keyword its length, where a word must begin with it; else 0. */
  readonly #lengths: readonly number[];
  /** For each keyword the rules that have it. */
  readonly #byKeyword: readonly (readonly number[])[];
  readonly #wanted = new Map<string, readonly boolean[]>();

  /**
   * What its rules cost at worst is known beforehand: `refusalOf` says which do not get in.
   *
   * @throws Error for a rule without a keyword, which would never be tried
   */
  constructor(rules: readonly Rule[]) {
    this.#rules = rules.map((rule) => {
      if (rule.keywords.length === 0) throw new Error(`the rule ${rule.id} has no keyword`);
      return {
        rule,
        regexp: new RegExp(rule.pattern, 'g'),
        longest: 0,
      };
    });
    const keywords = [...new Set(rules.flatMap((rule) => rule.keywords))];
    this.#table = new KeywordTable(keywords.map(bare));
    this.#lengths = keywords.map((keyword) => (keyword.startsWith(WORD_BEGINS) ? keyword.length - 1 : 0));
    this.#byKeyword = keywords.map((keyword) =>
      rules.flatMap((rule, at) => (rule.keywords.includes(keyword) ? [at] : [])),
    );
  }

  /**
   * Everything the rules of a stage find, in the order of where it begins.
   *
   * @param kinds what is looked for; both when not given
   */
  scan(text: string, stage: Stage, kinds?: readonly RuleKind[]): readonly Finding[] {
    const findings: Finding[] = [];
    const normalised = normalise(text);
    this.#look(normalised, stage, kinds, (finding) => findings.push(finding));
    for (const { start, end, text: decoded } of base64Spans(normalised.text)) {
      const [from, to] = [normalised.origin(start), normalised.end(end)];
      this.#look(normalise(decoded), stage, kinds, ({ rule, kind, severity }) => {
        findings.push({ rule, kind, severity, start: from, end: to, hidden: 'base64' });
      });
    }
    return findings.sort((one, other) => one.start - other.start || other.end - one.end).slice(0, FINDINGS_MOST);
  }

  #look(
    normalised: Normalised,
    stage: Stage,
    kinds: readonly RuleKind[] | undefined,
    found: (finding: Finding) => void,
  ): void {
    const { text } = normalised;
    const folded = fold(text);
    for (const [at, reaches] of this.#reaches(folded, stage, kinds)) {
      const compiled = this.#rules[at];
      if (compiled === undefined) continue;
      const { rule, regexp } = compiled;
      const { id, kind, severity } = rule;
      const within = kind === 'injection' ? folded : text;
      for (const [from, to] of matchesIn(within, compiled, regexp, reaches)) {
        const finding = { rule: id, kind, severity, start: normalised.origin(from), end: normalised.end(to) };
        // Results of tools are quoted anyway: as JSON.
        found(
          stage === 'input' && kind === 'injection' && quotedAt(folded, from, to)
            ? { ...finding, quoted: true }
            : finding,
        );
      }
    }
  }

  /** Where each rule is worth trying: around its keywords, as far as a match with one of them can reach. */
  #reaches(folded: string, stage: Stage, kinds: readonly RuleKind[] | undefined): ReadonlyMap<number, Reach[]> {
    const wanted = this.#wantedAt(stage, kinds);
    const reaches = new Map<number, Reach[]>();
    const size = folded.length;
    this.#table.scan(folded, (keyword, end) => {
      const length = this.#lengths[keyword] ?? 0;
      if (length > 0 && end > length && isWord(folded.charCodeAt(end - length - 1))) return;
      for (const at of this.#byKeyword[keyword] ?? []) {
        if (wanted[at] !== true) continue;
        const longest = longestIn(this.#rules[at]);
        const from = Math.max(0, end - longest - 1);
        const to = Math.min(size, end + longest + 1);
        const before = reaches.get(at);
        const last = before?.at(-1);
        if (before === undefined) reaches.set(at, [{ from, to }]);
        else if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
        else before.push({ from, to });
      }
    });
    return reaches;
  }

  /** Which rules look at a stage for these kinds: the same few questions for every text. */
  #wantedAt(stage: Stage, kinds: readonly RuleKind[] | undefined): readonly boolean[] {
    const key = `${stage} ${kinds?.join(' ') ?? ''}`;
    const known = this.#wanted.get(key);
    if (known !== undefined) return known;
    const wanted = this.#rules.map(
      ({ rule }) => rule.stages.includes(stage) && (kinds === undefined || kinds.includes(rule.kind)),
    );
    this.#wanted.set(key, wanted);
    return wanted;
  }
}

function longestIn(compiled: CompiledRule | undefined): number {
  if (compiled === undefined) return 0;
  if (compiled.longest === 0) compiled.longest = longestOf(parsePattern(compiled.rule.pattern));
  return compiled.longest;
}

/** Matches of a rule, each once, that lie in one of the stretches; the edges of a stretch are no edges of the text. */
function* matchesIn(
  text: string,
  { rule }: CompiledRule,
  regexp: RegExp,
  reaches: readonly Reach[],
): Generator<readonly [from: number, to: number]> {
  for (const { from, to } of reaches) {
    const whole = from === 0 && to === text.length;
    const part = whole ? text : text.slice(from, to);
    regexp.lastIndex = 0;
    for (let match = regexp.exec(part); match !== null; match = regexp.exec(part)) {
      const start = from + match.index;
      const end = start + match[0].length;
      if (match[0].length === 0) regexp.lastIndex += 1;
      // What touches the edge of a stretch was seen without what is beside it.
      if ((start === from && from > 0) || (end === to && to < text.length)) continue;
      if (rule.entropy !== undefined && entropyOf(match[0]) < rule.entropy) continue;
      yield [start, end];
    }
  }
}
