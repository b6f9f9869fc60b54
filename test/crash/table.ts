// SPDX-License-Identifier: Apache-2.0
// The promises in one table, and the same figures into the marked blocks of docs/reliability.md.

import { readFileSync, writeFileSync } from 'node:fs';
import { type Figures as DataFigures, KINDS, killsIn } from '../data-kills/figures.ts';
import { type DiskFigures, diskTable } from '../disk-faults/every-file.ts';
import type { AdapterFigures } from './adapters.ts';
import { BARS, type BackFigures } from './back-quickly.ts';
import type { ChannelFigures } from './channels.ts';
import type { killAtRandom } from './kills.ts';
import type { killAtEveryPoint } from './points.ts';
import type { PowerFigures } from './power.ts';
import type { PowerViewsFigures } from './power-views.ts';

export type Outcome =
  | { readonly part: 'points'; readonly figures: Awaited<ReturnType<typeof killAtEveryPoint>> }
  | { readonly part: 'channels'; readonly figures: ChannelFigures }
  | { readonly part: 'adapters'; readonly figures: AdapterFigures }
  | { readonly part: 'kills'; readonly figures: Awaited<ReturnType<typeof killAtRandom>> }
  | { readonly part: 'power'; readonly figures: PowerFigures }
  | { readonly part: 'power-views'; readonly figures: PowerViewsFigures }
  | { readonly part: 'data'; readonly figures: DataFigures & { readonly seconds: number } }
  | { readonly part: 'disk'; readonly figures: DiskFigures }
  /** `held`: the times count against their bars. */
  | { readonly part: 'back'; readonly held: boolean; readonly figures: BackFigures };

interface Row {
  readonly promise: string;
  readonly tried: string;
  readonly out: string;
  readonly bar: string;
}

const many = (count: number): string => count.toLocaleString('en');

function rowsOf(outcome: Outcome): readonly Row[] {
  switch (outcome.part) {
    case 'points':
    case 'kills':
      return killRows(outcome);
    case 'power': {
      const { copies, while_checkpointing, normal, normal_short, by, problems } = outcome.figures;
      return [
        {
          promise: 'R4 power loss',
          tried: `${many(copies)} copies of a journal cut at any call to the disk (${by}), ${many(while_checkpointing)} of them in a checkpoint`,
          out: `${many(problems)} lost or unreadable; with \`normal\`, ${many(normal_short)} of ${many(normal)} were short of rows since the last checkpoint`,
          bar: '0 acknowledged lost with `full`, never unreadable',
        },
      ];
    }
    case 'channels': {
      const { kills, places, messages, again, problems } = outcome.figures;
      return [
        {
          promise: 'R1, R2 messages of chat platforms and their answers',
          tried: `${many(messages)} messages on channels of every kind, ${many(kills)} kills at ${many(places)} places on their way`,
          out: `${many(problems)} lost, doubled or out of order; ${many(again)} sent again where the platform does not tell and nobody could know`,
          bar: '0; no more of the latter than were in flight',
        },
      ];
    }
    case 'adapters': {
      const { adapters, kills, messages, again, skipped, problems } = outcome.figures;
      return [
        {
          promise: 'R1, R2 through the real adapters',
          tried: `${many(messages)} messages by ${adapters} adapters, ${many(kills)} kills at every place on their way${skipped > 0 ? `; ${skipped} adapters had no server here` : ''}`,
          out: `${many(problems)} lost, doubled or out of order; ${many(again)} shown twice where the platform does not tell, each marked in the journal`,
          bar: '0; what is shown twice was in flight and is marked',
        },
      ];
    }
    case 'power-views':
      return [viewsRow(outcome.figures)];
    case 'disk': {
      const { tried, problems } = outcome.figures;
      return [
        {
          promise: 'R10 full disk, I/O errors, locked files',
          tried: `${many(tried.length)} faults of ${new Set(tried.map(({ file }) => file)).size} files, while they are written`,
          out: `${many(problems)} not told, lost, or not working again without a restart`,
          bar: '0',
        },
      ];
    }
    case 'data':
      return [dataRow(outcome.figures)];
    case 'back': {
      const { rows, sessions, ready, resumed, finished, node } = outcome.figures;
      const times = (ms: number): string => `${many(ms)} ms (${(ms / Math.max(1, node)).toFixed(1)}×)`;
      return [
        {
          promise: 'R3 back quickly',
          tried: `a start after a kill over ${many(rows)} rows with ${many(sessions)} interrupted turns; \`node -e 0\` took ${node} ms`,
          out: `serving after ${times(ready)}, all resumed after ${times(resumed)}, all finished after ${times(finished)}`,
          bar: outcome.held
            ? `≤ ${BARS.ready} ms, ≤ ${many(BARS.resumed)} ms`
            : 'all resumed and finished; the short form holds no time against a bar',
        },
      ];
    }
    default:
      return outcome satisfies never;
  }
}

function killRows({ part, figures }: Extract<Outcome, { readonly part: 'points' | 'kills' }>): readonly Row[] {
  const { kills, kills_in_recovery, kills_at_points, messages, again, turns, resumptions, poisoned } = figures;
  const tried =
    part === 'points'
      ? `${many(kills)} kills, at each of ${figures.places} named places`
      : `${many(kills)} kills at random, ${many(kills_in_recovery)} of them in a start and ${many(kills_at_points)} at a named place`;
  return [
    {
      promise: 'R1 nothing acknowledged is lost',
      tried: `${tried}: ${many(messages)} messages, ${many(again)} requests made again, ${many(figures.streams_resumed)} streams taken up again`,
      out: `${many(figures.problems)} lost, doubled or out of order; ${many(turns)} turns, resumed ${many(resumptions)} times, ${many(poisoned)} given up after three attempts and their sender told`,
      bar: '0',
    },
    {
      promise: 'R2 no journaled effect twice',
      tried: `the same kills: ${many(figures.effects)} effects counted outside`,
      out: `${many(figures.effect_problems)} twice; ${many(figures.outcome_unknown)} calls left as outcome unknown (${many(figures.unknown_happened)} of them had happened), ${many(figures.effects_repeated)} idempotent ones made again`,
      bar: '0',
    },
  ];
}

function viewsRow(figures: PowerViewsFigures): Row {
  const { copies, files, unsynced, while_checkpointing, trimmed, behind, unreadable, put_aside, problems } = figures;
  const { values_unsynced } = figures;
  return {
    promise: 'R4 power loss, views and values',
    tried: `${many(copies)} copies of a data directory cut at any call to the disk (strace), ${many(trimmed)} of them with a trimmed journal: ${many(files)} files of views, ${many(unsynced)} of them not synced, ${many(while_checkpointing)} in a checkpoint; ${many(values_unsynced)} files of plugins' values in the middle of a change`,
    out: `${many(problems)} wrong, lost or not to be started; ${many(behind)} files were behind and made up for it, ${many(unreadable)} could not be read as they lay, ${many(put_aside)} were put aside and made again`,
    bar: '0 acknowledged lost, no wrong answer, never unreadable after a start',
  };
}

function dataRow(figures: DataFigures): Row {
  const { rows, trimmed, restored, problems, kills, unfinished } = figures;
  const each = KINDS.map((kind) => `${many(kills[kind])} in ${kind} (${many(unfinished[kind])})`);
  return {
    promise: 'every view is as made from scratch',
    tried: `${many(killsIn(figures))} kills at random and at named places: ${each.join(', ')}; in brackets those that left something to finish or to forget`,
    out: `${many(problems)} differed; ${many(rows)} rows compared, ${many(trimmed)} trimmed before, ${many(restored)} restores took effect after all`,
    bar: '0',
  };
}

/** Prints what came out, and the line of counts the suite reads. */
export function print(outcomes: readonly Outcome[]): void {
  console.log('');
  for (const outcome of outcomes) {
    for (const { promise, tried, out, bar } of rowsOf(outcome)) {
      console.log(`${outcome.figures.problems === 0 ? 'ok    ' : 'FAILED'} ${promise} (${bar})`);
      console.log(`       ${tried}`);
      console.log(`       ${out}`);
    }
  }
  const failed = outcomes.filter(({ figures }) => figures.problems > 0).length;
  console.log(`${outcomes.length - failed} passed, ${failed} failed`);
}

const DOC = new URL('../../docs/reliability.md', import.meta.url);

/** Writes each part's figures between its marks. @throws Error when the document has no such marks. */
export function writeBlocks(outcomes: readonly Outcome[]): void {
  let text = readFileSync(DOC, 'utf8');
  for (const outcome of outcomes) {
    const [begin, end] = [`<!-- ${outcome.part}:begin -->`, `<!-- ${outcome.part}:end -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < 0) throw new Error(`docs/reliability.md has no place for ${outcome.part}`);
    const head = '| promise | tried | came out | bar |\n| --- | --- | --- | --- |\n';
    const rows = rowsOf(outcome).map(({ promise, tried, out, bar }) => `| ${promise} | ${tried} | ${out} | ${bar} |\n`);
    const files = outcome.part === 'disk' ? `\n${diskTable(outcome.figures)}` : '';
    text = `${text.slice(0, from + begin.length)}\n${head}${rows.join('')}${files}${text.slice(to)}`;
  }
  writeFileSync(DOC, text);
}
