// SPDX-License-Identifier: Apache-2.0
// One line on stderr that says how far long work is; only on a terminal, and gone when the work is done.

import type { DataProgress } from '../stores/backup.ts';
import type { Output } from './output.ts';
import { cut } from './terminal-text.ts';

/** Milliseconds between two drawings. */
const EVERY_MS = 80;

const VERBS: Readonly<Record<DataProgress['step'], string>> = {
  copy: 'copying',
  unpack: 'reading the archive',
  check: 'checking',
  views: 'making the views',
  replace: 'putting it in place',
};

export interface ProgressLine {
  show(text: string): void;
  /** The same, in the words of work on data. */
  data(progress: DataProgress): void;
  /** Takes the line away. */
  end(): void;
}

/** Bytes as people read them. */
export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  const step = Math.min(units.length, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** step;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[step - 1] ?? ''}`;
}

export function progressLine(output: Output): ProgressLine {
  let drawn = false;
  let at = Number.NEGATIVE_INFINITY;
  const show = (text: string): void => {
    const now = performance.now();
    if (!output.progress || output.json || now - at < EVERY_MS) return;
    at = now;
    drawn = true;
    process.stderr.write(`\r\x1b[2K${cut(text, Math.max(20, (process.stderr.columns ?? 80) - 1))}`);
  };
  return {
    show,
    data: ({ step, file, done, total }) => {
      const share = total === 0 ? '' : ` ${Math.floor((100 * done) / total)} %`;
      show(`${VERBS[step]}${share}${file === '' ? '' : `  ${file}`}`);
    },
    end: () => {
      if (drawn) process.stderr.write('\r\x1b[2K');
      drawn = false;
    },
  };
}
