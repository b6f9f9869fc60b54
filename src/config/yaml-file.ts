// SPDX-License-Identifier: Apache-2.0
// The YAML file: parsed with positions, so that every problem can name its line.

import { type Place, type Problem, placeText, problem, type Warning } from './problems.ts';
import { isMap, type Path } from './walk.ts';
import { textTrouble } from './yaml-text.ts';

/** A file as read: its data, what was wrong with the text, and where each path stands. */
export interface ParsedFile {
  readonly data: Readonly<Record<string, unknown>>;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Warning[];
  locate(path: Path, key?: boolean): Place;
}

const FORBIDDEN = '__proto__';
/** Problems of the text that are told: the first ones are what the others come from. */
const MOST_PROBLEMS = 20;
/** Keys of a path that are told of broken text. */
const MOST_KEYS = 8;
/** Tags that only say what a value is anyway. */
const PLAIN_TAGS = /^(?:!|tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq))$/;

/** What the reader of YAML says, in one line and without the text it stumbled over, which may be a secret. */
function yamlSays({ code, message }: { readonly code: string; readonly message: string }): string {
  if (code === 'TAB_AS_INDENT') return 'a tab as indentation; indent with spaces';
  if (code === 'MULTIPLE_DOCS') return 'a second document behind ---';
  const [first = ''] = message.split('\n');
  return first.replace(/: .*$/, '');
}

/**
 * Parses the text of a configuration file. The YAML reader is loaded only here, because most starts of a small
 * machine have no file at all and it costs more than the rest of loading.
 */
export async function parseFile(file: string, text: string): Promise<ParsedFile> {
  const trouble = textTrouble(text);
  if (trouble !== undefined) {
    const before = text.slice(0, trouble.offset).split('\n');
    const place: Place = { origin: 'file', file, line: before.length, column: (before.at(-1) ?? '').length + 1 };
    const told = problem(place, [], trouble.found, trouble.allowed);
    return { data: {}, problems: [told], warnings: [], locate: () => ({ origin: 'file', file }) };
  }
  const {
    isAlias,
    isMap: isYamlMap,
    isNode,
    isScalar,
    isSeq,
    LineCounter,
    parseDocument,
    visit,
  } = await import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });

  const at = (offset: number | undefined): Place => {
    if (offset === undefined) return { origin: 'file', file };
    const { line, col } = lines.linePos(offset);
    return { origin: 'file', file, line, column: col };
  };

  const locate = (path: Path, key = false): Place => {
    let node: unknown = document.contents;
    let offset = document.contents?.range?.[0];
    for (const [index, segment] of path.entries()) {
      if (isAlias(node)) node = node.resolve(document);
      if (isSeq(node)) {
        node = node.items[Number(segment)];
      } else if (isYamlMap(node)) {
        const pair = node.items.find(
          (item) => String(isScalar(item.key) ? item.key.value : item.key) === String(segment),
        );
        if (pair && isNode(pair.key)) offset = pair.key.range?.[0] ?? offset;
        node = key && index === path.length - 1 ? undefined : pair?.value;
      } else {
        break;
      }
      // An empty value has a range that points past its key; the key is the better place then.
      const empty =
        isScalar(node) && node.range !== undefined && node.range !== null && node.range[0] === node.range[1];
      if (isNode(node) && !empty) offset = node.range?.[0] ?? offset;
    }
    return at(offset);
  };

  /** The keys on the way to a place of the text, as far as it was understood, and the innermost node there. */
  const around = (offset: number): { readonly path: Path; readonly node: unknown } => {
    const path: (string | number)[] = [];
    const begins = (node: unknown): boolean => isNode(node) && (node.range?.[0] ?? offset + 1) <= offset;
    let node: unknown = document.contents;
    while (isYamlMap(node) || isSeq(node)) {
      if (isYamlMap(node)) {
        const pair = node.items.findLast(({ key }) => begins(key));
        const from = isNode(pair?.key) ? (pair.key.range?.[0] ?? 0) : 0;
        // What is taken for a key in the middle of a line of broken text may be half a secret.
        if (pair === undefined || !(node.flow === true || /(?:^|\n)[ \t-]*$/.test(text.slice(0, from)))) break;
        path.push(String(isScalar(pair.key) ? pair.key.value : pair.key));
        node = pair.value;
      } else {
        const index = node.items.findLastIndex(begins);
        if (index < 0) break;
        path.push(index);
        node = node.items[index];
      }
    }
    return { path: path.slice(0, MOST_KEYS), node };
  };
  const pathTo = (offset: number): Path => around(offset).path;

  /** Where the first list or map in brackets begins that has no end. */
  const unclosed = (): number | undefined => {
    let first: number | undefined;
    visit(document, {
      Collection(_, { flow, range }) {
        if (flow !== true || !range || /[\]}]/.test(text[range[1] - 1] ?? '')) return undefined;
        first = range[0];
        return visit.BREAK;
      },
    });
    return first;
  };

  const problems: Problem[] = [];
  const warnings: Warning[] = [];
  let readable = true;
  for (const error of document.errors) {
    const duplicate = error.code === 'DUPLICATE_KEY';
    if (!duplicate) readable = false;
    const found = duplicate ? 'the same key twice' : `invalid YAML: ${yamlSays(error)}`;
    const [from] = error.pos;
    const { path, node } = around(from);
    // What has no end is missed at the end of the file; where it begins is the place to look.
    const quote = /^Missing closing/.test(error.message) && isNode(node) ? node.range?.[0] : undefined;
    const open = /^Flow /.test(error.message) ? unclosed() : quote;
    const place = at(open ?? from);
    // One slip makes the reader stumble over all that follows it.
    if (!duplicate && problems.some(({ line }) => line === place.line)) continue;
    if (problems.length >= MOST_PROBLEMS) break;
    const keys = open === undefined ? path : pathTo(open);
    problems.push(problem(place, keys, found, duplicate ? 'each key once' : 'valid YAML 1.2'));
  }
  for (const warning of document.warnings) {
    const place = at(warning.pos[0]);
    if (warning.code === 'TAG_RESOLVE_FAILED') {
      // What a tag asks for would not be done: `!secret x` is no secret here.
      const tag = /(!\S*)/.exec(warning.message)?.[1] ?? '';
      problems.push(problem(place, pathTo(warning.pos[0]), `the YAML tag ${tag}`, 'values without a tag'));
    } else warnings.push({ ...place, path: '', message: `${placeText(place)}: ${warning.message}` });
  }
  const anchors = new Set<string>();
  let alias: number | undefined;
  visit(document, {
    Node(_, node) {
      const from = node.range?.[0] ?? 0;
      if (
        node.tag !== undefined &&
        !PLAIN_TAGS.test(node.tag) &&
        !problems.some(({ line }) => line === at(from).line)
      ) {
        const tag = node.tag.replace('tag:yaml.org,2002:', '!!');
        problems.push(problem(at(from), pathTo(from), `the YAML tag ${tag}`, 'values without a tag'));
      }
      if (isAlias(node)) {
        alias ??= node.range?.[0];
        if (!anchors.has(node.source) && readable) {
          const found = `*${node.source}, which refers to no &${node.source} before it`;
          problems.push(problem(at(from), pathTo(from), found, 'a value, or the name of an anchor'));
          readable = false;
        }
      } else if (node.anchor !== undefined) anchors.add(node.anchor);
    },
    Pair(_, pair) {
      if (isNode(pair.key) && !isScalar(pair.key)) {
        const from = pair.key.range?.[0] ?? 0;
        problems.push(problem(at(from), [], 'a key that is a map, a list or an alias', 'text as a key'));
        readable = false;
        return;
      }
      if (!isScalar(pair.key) || pair.key.value !== FORBIDDEN) return;
      const from = pair.key.range?.[0];
      problems.push(problem(at(from), from === undefined ? [] : pathTo(from), `the key ${FORBIDDEN}`, 'another name'));
      readable = false;
    },
  });

  let data: unknown = {};
  if (readable) {
    try {
      data = document.toJS() ?? {};
    } catch (error) {
      // A few lines of aliases of aliases stand for more than a machine holds.
      const bomb = error instanceof ReferenceError;
      const found = bomb ? 'aliases that stand for too much' : `YAML that cannot be read: ${String(error)}`;
      const path = alias === undefined ? [] : pathTo(alias);
      problems.push(problem(at(alias), path, found, bomb ? 'at most 100 values by aliases' : 'valid YAML 1.2'));
    }
    if (!isMap(data)) {
      problems.push(
        problem(
          at(document.contents?.range?.[0]),
          [],
          Array.isArray(data) ? 'a list' : 'a single value',
          'a map of keys',
        ),
      );
    }
  }
  return { data: isMap(data) ? data : {}, problems, warnings, locate };
}
