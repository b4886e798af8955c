/** A line of the table, and the arithmetic that every line shares. */

export interface BenchOptions {
  /** Fewer and shorter runs: for trying the bench itself, not for figures to quote. */
  quick: boolean;
}

export interface Row {
  target: string;
  what: string;
  ours: string;
  peer: string;
  ratio: string;
  wanted: string;
  reached: boolean;
}

export type RowMaker = (options: BenchOptions) => Promise<Row[]>;

export function median(values: number[]): number {
  return quantile(values, 0.5);
}

/** The value at or above the share `q` of all; `q` = 0.99 of fewer than 100 values is the greatest. */
export function quantile(values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (
    sorted[
      Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - (q === 0.5 && sorted.length % 2 === 1 ? 1 : 0))
    ] ?? NaN
  );
}

/** A row whose figure is better the greater it is; `least` is what ours/peer must reach. */
export function fasterRow(
  target: string,
  what: string,
  figures: { ours: number; peer: number; unit: string; note?: string },
  least: number,
): Row {
  const ratio = figures.ours / figures.peer;
  const show = (value: number) =>
    `${value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2)} ${figures.unit}`;
  return {
    target,
    what,
    ours: show(figures.ours) + (figures.note ?? ''),
    peer: show(figures.peer),
    ratio: `${ratio.toFixed(2)} ×`,
    wanted: `≥ ${least} ×`,
    reached: ratio >= least,
  };
}

/** A row whose figure has a ceiling of its own, without a peer. */
export function limitRow(target: string, what: string, value: number, unit: string, most: number): Row {
  return {
    target,
    what,
    ours: `${value.toFixed(1)} ${unit}`,
    peer: '–',
    ratio: '–',
    wanted: `≤ ${most} ${unit}`,
    reached: value <= most,
  };
}
