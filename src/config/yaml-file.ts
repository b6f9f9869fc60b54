// SPDX-License-Identifier: Apache-2.0
// The YAML file: parsed with positions, so that every problem can name its line.

import { type Place, type Problem, placeText, problem, type Warning } from './problems.ts';
import { isMap, type Path } from './walk.ts';

/** A file as read: its data, what was wrong with the text, and where each path stands. */
export interface ParsedFile {
  readonly data: Readonly<Record<string, unknown>>;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Warning[];
  locate(path: Path, key?: boolean): Place;
}

const FORBIDDEN = '__proto__';

/**
 * Parses the text of a configuration file. The YAML reader is loaded only here, because most starts of a small
 * machine have no file at all and it costs more than the rest of loading.
 */
export async function parseFile(file: string, text: string): Promise<ParsedFile> {
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

  const problems: Problem[] = [];
  const warnings: Warning[] = [];
  let readable = true;
  for (const error of document.errors) {
    const duplicate = error.code === 'DUPLICATE_KEY';
    if (!duplicate) readable = false;
    const found = duplicate ? 'the same key twice' : `invalid YAML: ${error.message}`;
    problems.push(problem(at(error.pos[0]), [], found, duplicate ? 'each key once' : 'valid YAML 1.2'));
  }
  for (const warning of document.warnings) {
    const place = at(warning.pos[0]);
    warnings.push({ ...place, path: '', message: `${placeText(place)}: ${warning.message}` });
  }
  visit(document, {
    Pair(_, pair) {
      if (!isScalar(pair.key) || pair.key.value !== FORBIDDEN) return;
      problems.push(problem(at(pair.key.range?.[0]), [], `the key ${FORBIDDEN}`, 'another name'));
      readable = false;
    },
  });

  let data: unknown = {};
  if (readable) {
    try {
      data = document.toJS() ?? {};
    } catch (error) {
      problems.push(
        problem({ origin: 'file', file }, [], `YAML that cannot be read: ${String(error)}`, 'valid YAML 1.2'),
      );
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
