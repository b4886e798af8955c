/** Archivers in turns on the same image, and the rows that compare them. */
import { formatBytes } from '../../src/lib/byte-units.ts';
import { OURS, type Archiver, type Stored } from './archivers.ts';
import { MIB, settle } from './load.ts';
import { fasterRow, limitRow, median, type Row } from './row.ts';
import type { Spent } from './spent.ts';

/** A fixed budget, whatever the disk's size (R7 of the design). */
const MOST_MEMORY_MIB = 256;

/** What each contestant took, run by run. */
export type Runs<T extends Spent> = Map<string, T[]>;

/** One run of each; nobody pays for what the one before has left to be written. */
export async function inTurn<T extends Spent, C extends { name: string }>(
  contestants: readonly C[],
  runs: Runs<T>,
  work: (contestant: C) => Promise<T>,
): Promise<void> {
  for (const contestant of contestants) {
    await settle();
    const run = await work(contestant);
    runs.set(contestant.name, [...(runs.get(contestant.name) ?? []), run]);
  }
}

export async function storeInTurn(archivers: readonly Archiver[], runs: Runs<Stored>): Promise<void> {
  await inTurn(archivers, runs, async (archiver) => archiver.store());
}

/** What a row is about; `peer` is whom ours is compared with. */
export interface Subject {
  target: string;
  what: string;
  peer: { name: string; how: string };
}

/** Medians of seconds; `least` is by what ours must be faster, null where nothing is asked. */
export function timeRow({ target, what, peer }: Subject, runs: Runs<Spent>, least: number | null): Row {
  const seconds = (name: string) => median(runsOf(runs, name).map((run) => run.seconds));
  const [ours, theirs] = [seconds(OURS), seconds(peer.name)];
  const figures = { ours: 1 / ours, peer: 1 / theirs, unit: '' };
  return {
    ...fasterRow(target, `${what} (${peer.name}${peer.how})`, figures, least),
    ours: `${ours.toFixed(2)} s`,
    peer: `${theirs.toFixed(2)} s${runsOf(runs, peer.name).length < runsOf(runs, OURS).length ? ', once' : ''}`,
  };
}

/** As `timeRow`, with the bytes that were added beside. */
export function timeAndBytesRow(subject: Subject, runs: Runs<Stored>, least: number | null): Row {
  const row = timeRow(subject, runs, least);
  const added = (name: string) => `; ${formatBytes(addedBytes(runs, name))} added`;
  return { ...row, ours: row.ours + added(OURS), peer: row.peer + added(subject.peer.name) };
}

/** Medians of bytes added; `most` is what ours may be of the peer's, null where nothing is asked. */
export function bytesRow({ target, what, peer }: Subject, runs: Runs<Stored>, most: number | null): Row {
  const [ours, theirs] = [addedBytes(runs, OURS), addedBytes(runs, peer.name)];
  return {
    target,
    what: `${what} (${peer.name}${peer.how})`,
    ours: formatBytes(ours),
    peer: formatBytes(theirs),
    ratio: `${(ours / theirs).toFixed(2)} ×`,
    wanted: most === null ? '–' : `≤ ${most.toFixed(2)} ×`,
    reached: most === null ? null : ours <= most * theirs,
  };
}

/** The most of all runs, the peers' beside. A worker that nobody has seen is not one without memory. */
export function memoryRow(target: string, what: string, runs: Runs<Spent>): Row {
  const peak = (name: string) => Math.max(...runsOf(runs, name).map((run) => run.peakBytes)) || NaN;
  const peers = [...runs.keys()].filter((name) => name !== OURS);
  return {
    ...limitRow(target, what, peak(OURS) / MIB, 'MiB', MOST_MEMORY_MIB),
    peer: peers.map((name) => `${name} ${formatBytes(peak(name))}`).join('; '),
  };
}

function addedBytes(runs: Runs<Stored>, name: string): number {
  return median(runsOf(runs, name).map((run) => run.addedBytes));
}

function runsOf<T extends Spent>(runs: Runs<T>, name: string): T[] {
  const found = runs.get(name);
  if (found === undefined) throw new Error(`${name} was not measured`);
  return found;
}
