// SPDX-License-Identifier: Apache-2.0
// The course of a figure over the last minutes, as a line without axes; the figure itself stands beside it.

export interface SparklineProps {
  readonly values: readonly number[];
  /** A second course under the first; empty for none. */
  readonly under: readonly number[];
  /** Places for values: fewer stand at the right. */
  readonly room: number;
  /** What the top stands for at least, so that noise around nothing is no mountain. */
  readonly atLeast: number;
  readonly label: string;
}

const WIDTH = 120;
const HEIGHT = 28;

export function Sparkline({ values, under, room, atLeast, label }: SparklineProps) {
  const top = Math.max(atLeast, ...values) * 1.05;
  const step = WIDTH / (room - 1);
  const first = WIDTH - (values.length - 1) * step;
  const heightOf = (value: number): number => HEIGHT - 1 - (value / top) * (HEIGHT - 3);
  const lineOf = (of: readonly number[]): string =>
    of
      .map((value, nth) => `${nth === 0 ? 'M' : 'L'}${(first + nth * step).toFixed(1)} ${heightOf(value).toFixed(1)}`)
      .join('');
  const line = lineOf(values);
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      {values.length > 1 && <path class="spark-area" d={`${line}V${HEIGHT}H${first.toFixed(1)}Z`} />}
      {values.length > 1 && <path class="spark-line" d={line} vector-effect="non-scaling-stroke" />}
      {under.length > 1 && <path class="spark-under" d={lineOf(under)} vector-effect="non-scaling-stroke" />}
    </svg>
  );
}
