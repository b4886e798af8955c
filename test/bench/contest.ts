/** The same load on Hupo and on its peers, in turns, so that whatever else the machine does hurts all alike. */
import { cpuUs, fio, MIB, type Load, type LoadResult } from './load.ts';
import { fasterRow, formatFigure, median, type Row } from './row.ts';

/** A disk that a process serves over NBD: Hupo's or a peer's. */
export interface ServedDisk {
  name: string;
  uri: string;
  /** Of the process that serves it. */
  pid: number;
  /** Ends serving it and removes its bytes. */
  close: () => Promise<void>;
}

/** What one contestant did, run by run. */
export interface Score {
  iops: number[];
  mibPerSecond: number[];
  p99Ms: number[];
  /** Microseconds of processor time a request, of the process that serves. */
  cpuUs: number[];
}

export type Scores = Map<string, Score>;

/** Runs `load` on each disk in turn, `runs` times over; `before` each run, outside the measurement. */
export async function compete(
  disks: ServedDisk[],
  load: Load,
  runs: number,
  before: () => Promise<void> = async () => undefined,
): Promise<Scores> {
  const scores: Scores = new Map();
  for (let run = 0; run < runs; run += 1) {
    for (const disk of disks) {
      await before();
      note(scores, disk.name, await measureOnce(disk, load));
    }
  }
  return scores;
}

export async function measureOnce(disk: ServedDisk, load: Load): Promise<LoadResult & { cpuUs: number }> {
  const start = cpuUs(disk.pid);
  const result = await fio(disk.uri, load);
  return { ...result, cpuUs: (cpuUs(disk.pid) - start) / result.ios };
}

export function note(scores: Scores, name: string, result: LoadResult & { cpuUs: number }): void {
  const score = scores.get(name) ?? { iops: [], mibPerSecond: [], p99Ms: [], cpuUs: [] };
  score.iops.push(result.iops);
  score.mibPerSecond.push(result.mibPerSecond);
  score.p99Ms.push(result.p99Ms);
  score.cpuUs.push(result.cpuUs);
  scores.set(name, score);
}

/** Of `ours` against the first of `peers`; the other peers' medians are told beside. */
export function scoreRow(
  row: { target: string; what: string; ours: string; peers: readonly string[]; least: number | null },
  scores: Scores,
  load: Load,
): Row {
  const large = load.blockBytes >= MIB;
  const unit = large ? 'MiB/s' : 'IOPS';
  const figure = (name: string) => median(scoreOf(scores, name)[large ? 'mibPerSecond' : 'iops']);
  const cpu = (name: string) => `${median(scoreOf(scores, name).cpuUs).toFixed(large ? 0 : 1)} µs`;
  const [peer = '', ...others] = row.peers;
  const beside = others.map((name) => `${name} ${formatFigure(figure(name), unit)}, ${cpu(name)}`).join('; ');
  const figures = {
    ours: figure(row.ours),
    peer: figure(peer),
    unit,
    note: ` (${cpu(row.ours)} of CPU a request)`,
    peerNote: ` (${peer}, ${cpu(peer)}${beside === '' ? '' : `; ${beside}`})`,
  };
  return fasterRow(row.target, row.what, figures, row.least);
}

function scoreOf(scores: Scores, name: string): Score {
  const score = scores.get(name);
  if (score === undefined) throw new Error(`${name} was not measured`);
  return score;
}
