/** A line of the table, and the arithmetic that every line shares. */
import type { Leftovers } from './leftovers.ts';

export interface BenchOptions {
  /** Fewer and shorter runs: for trying the bench itself, not for figures to quote. */
  quick: boolean;
  /** Whether a target's rows are wanted. */
  asked: (target: string) => boolean;
  leftovers: Leftovers;
}

export interface Row {
  target: string;
  what: string;
  ours: string;
  peer: string;
  ratio: string;
  wanted: string;
  /** Null where the row has no target and only informs. */
  reached: boolean | null;
}

/** Measures the rows of some targets on one set-up. */
export interface RowMaker {
  targets: string[];
  make: (options: BenchOptions) => Promise<Row[]>;
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] ?? NaN;
  return ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** The least value that the share `q` of all does not exceed: `q` = 0.99 of at most 100 values is the last but none or one. */
export function quantile(values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? NaN;
}

export function formatFigure(value: number, unit: string): string {
  return `${value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2)} ${unit}`;
}

export interface Figures {
  ours: number;
  peer: number;
  unit: string;
  /** Put behind our figure, and behind the peer's. */
  note?: string;
  peerNote?: string;
}

/** A row whose figure is better the greater it is; `least` is what ours/peer must reach, null where nothing is asked. */
export function fasterRow(target: string, what: string, figures: Figures, least: number | null): Row {
  const ratio = figures.ours / figures.peer;
  return {
    target,
    what,
    ours: formatFigure(figures.ours, figures.unit) + (figures.note ?? ''),
    peer: formatFigure(figures.peer, figures.unit) + (figures.peerNote ?? ''),
    ratio: `${ratio.toFixed(2)} ×`,
    wanted: least === null ? '–' : `≥ ${least} ×`,
    reached: least === null ? null : ratio >= least,
  };
}

/** A row whose figure has a ceiling of its own, without a peer; `most` is null where nothing is asked. */
export function limitRow(target: string, what: string, value: number, unit: string, most: number | null): Row {
  return {
    target,
    what,
    ours: `${value.toFixed(1)} ${unit}`,
    peer: '–',
    ratio: '–',
    wanted: most === null ? '–' : `≤ ${most} ${unit}`,
    reached: most === null ? null : value <= most,
  };
}

export function formatRow({ target, what, ours, peer, ratio, wanted, reached }: Row): string {
  const verdict = reached === null ? '' : reached ? ' ✓' : ' ✗';
  return `| ${target} | ${what} | ${ours} | ${peer} | ${ratio} | ${wanted}${verdict} |`;
}
