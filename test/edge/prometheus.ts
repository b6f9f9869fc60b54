// SPDX-License-Identifier: Apache-2.0
// Reads the text format of Prometheus as strictly as its own checker does, and throws at the first thing that is not right.

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?<labels>.*)\})? (?<value>\S+)$/;
const LABEL = /(?<name>[a-zA-Z_][a-zA-Z0-9_]*)="(?<value>(?:[^"\\]|\\["\\n])*)"(?:,|$)/y;

export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

function labelsOf(text: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const at = LABEL.lastIndex;
    const groups = LABEL.exec(text)?.groups;
    check(groups !== undefined, `not a label: ${text.slice(at)}`);
    const { name = '', value = '' } = groups;
    check(!(name in labels), `the label ${name} twice`);
    labels[name] = value;
  }
  return labels;
}

export class Metrics {
  readonly all: readonly Series[];

  constructor(text: string) {
    check(text.endsWith('\n'), 'the last line has no end');
    const all: Series[] = [];
    const types = new Map<string, string>();
    const seen = new Set<string>();
    let family = '';
    for (const line of text.slice(0, -1).split('\n')) {
      const [, word, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
      if (word === 'HELP') {
        check(NAME.test(name) && rest !== '' && !types.has(name), `a bad HELP: ${line}`);
        family = name;
      } else if (word === 'TYPE') {
        check(name === family && ['counter', 'gauge', 'histogram'].includes(rest), `a bad TYPE: ${line}`);
        check(rest !== 'counter' || name.endsWith('_total'), `a counter is not called a total: ${name}`);
        types.set(name, rest);
      } else {
        const groups = SAMPLE.exec(line)?.groups;
        check(groups !== undefined, `not a sample: ${line}`);
        const { name: of = '', labels: inner = '', value: number = '' } = groups;
        const parts = types.get(family) === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
        check(
          parts.some((part) => of === `${family}${part}`),
          `${of} among ${family}`,
        );
        const labels = labelsOf(inner);
        const key = `${of} ${JSON.stringify(Object.entries(labels).sort())}`;
        check(!seen.has(key), `${key} twice`);
        seen.add(key);
        const value = Number(number.replace('Inf', 'Infinity'));
        check(!Number.isNaN(value), `not a number: ${line}`);
        all.push({ name: of, labels, value });
      }
    }
    this.all = all;
    for (const [name, type] of types) if (type === 'histogram') this.#checkHistogram(name);
  }

  /** The sum of the series that have these labels; undefined when there is none. */
  get(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    const fits = this.all.filter(
      (one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value),
    );
    return fits.length === 0 ? undefined : fits.reduce((sum, { value }) => sum + value, 0);
  }

  /** Every counter and every part of a histogram, by name and labels. */
  get rising(): ReadonlyMap<string, number> {
    const rising = this.all.filter(({ name }) => /_(?:total|bucket|sum|count)$/.test(name));
    return new Map(rising.map(({ name, labels, value }) => [`${name} ${JSON.stringify(labels)}`, value]));
  }

  #checkHistogram(name: string): void {
    const groups = new Map<string, Series[]>();
    for (const one of this.all) {
      if (one.name !== `${name}_bucket`) continue;
      const { le: _, ...rest } = one.labels;
      const key = JSON.stringify(rest);
      groups.set(key, [...(groups.get(key) ?? []), one]);
    }
    for (const [key, buckets] of groups) {
      const bounds = buckets.map(({ labels }) => Number(labels['le']?.replace('+Inf', 'Infinity')));
      const rise = (values: readonly number[]): boolean =>
        values.every((one, at) => at === 0 || one >= (values[at - 1] ?? 0));
      check(rise(bounds) && rise(buckets.map(({ value }) => value)), `${name} does not rise`);
      check(bounds.at(-1) === Number.POSITIVE_INFINITY, `${name} has no +Inf`);
      check(buckets.at(-1)?.value === this.get(`${name}_count`, JSON.parse(key)), `${name}: +Inf is not its count`);
    }
  }
}
