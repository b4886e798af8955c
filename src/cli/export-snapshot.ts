/**
 * `hupo snapshot export ID FILE`: a snapshot as a raw image, read and verified straight from the repository of the
 * service's DIR. It is written to FILE.partial, which goes away when anything goes wrong, and gets its name once it is
 * whole; only a crash leaves FILE.partial behind, and the next export to FILE asks for it to be removed.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { CliContext, ConnectOptions } from '../cli.ts';
import { formatBytes } from '../lib/byte-units.ts';
import { systemClock } from '../lib/clock.ts';
import { OperationalError } from '../lib/errors.ts';
import { readManifest } from '../repository/manifest.ts';
import { restoreToFile } from '../repository/restore.ts';
import { repositoryIn } from '../repository/stores.ts';
import type { RepositoryPlace } from '../repository/stores.ts';
import type { DescribeSnapshotsAnswer } from './answers.ts';
import { findConnection } from './connection.ts';
import type { EcsClient } from './ecs-client.ts';
import { withInterrupt } from './interrupt.ts';
import { Progress } from './progress.ts';
import { formatDuration } from './units.ts';

/** Returns the exit code. Throws an OperationalError when FILE exists or the snapshot is not there or not finished. */
export async function runExport(
  snapshotId: string,
  file: string,
  options: ConnectOptions,
  context: CliContext,
): Promise<number> {
  refuseExisting(file);
  checkFolder(path.dirname(path.resolve(file)));
  const { client, dataFolder } = findConnection(options, context);
  await withInterrupt(async (signal) => {
    await checkAccomplished(client, snapshotId, signal);
    const startedMs = systemClock.monotonicMs();
    const sizeBytes = await exportSnapshot({ dataFolder, snapshotId, file, signal, err: context.err });
    const time = formatDuration(systemClock.monotonicMs() - startedMs);
    context.err(`${file}: ${formatBytes(sizeBytes)}, every byte verified, in ${time}\n`);
  });
  return 0;
}

function refuseExisting(file: string): void {
  if (!fs.existsSync(file)) return;
  throw new OperationalError(`${file} is there already; name a file that is not`, { retryable: false });
}

function checkFolder(folder: string): void {
  const stat = fs.statSync(folder, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true) return;
  const state = stat === undefined ? `there is no folder ${folder}` : `${folder} is no folder`;
  throw new OperationalError(`${state}: make it, or name a file elsewhere`, { retryable: false });
}

async function checkAccomplished(client: EcsClient, snapshotId: string, signal: AbortSignal): Promise<void> {
  const ids = JSON.stringify([snapshotId]);
  const answer = await client.call<DescribeSnapshotsAnswer>('DescribeSnapshots', { SnapshotIds: ids }, signal);
  const [snapshot] = answer.Snapshots.Snapshot;
  if (snapshot === undefined) throw new OperationalError(`there is no snapshot ${snapshotId}`, { retryable: false });
  if (snapshot.Status === 'accomplished') return;
  const state =
    snapshot.Status === 'progressing' ? `is at ${snapshot.Progress}; wait until it is accomplished` : 'failed';
  throw new OperationalError(`snapshot ${snapshotId} ${state}`, { retryable: snapshot.Status === 'progressing' });
}

function findRepository(dataFolder: string): RepositoryPlace {
  const place = repositoryIn(dataFolder);
  if (fs.existsSync(place.storeFolder)) return place;
  throw new OperationalError(
    `there is no repository in ${dataFolder}; export reads the one of a service on this machine: give its folder with --data`,
    { retryable: false },
  );
}

interface Export {
  dataFolder: string;
  snapshotId: string;
  file: string;
  signal: AbortSignal;
  err: (text: string) => void;
}

async function exportSnapshot(work: Export): Promise<number> {
  const repository = findRepository(work.dataFolder);
  const { sizeBytes, tree } = await readManifest(repository, work.snapshotId);
  const partial = `${work.file}.partial`;
  const progress = new Progress({
    label: 'exporting',
    write: work.err,
    isTerminal: process.stderr.isTTY,
    clock: systemClock,
  });
  const onProgress = (doneBytes: number, totalBytes: number) => progress.update(doneBytes, totalBytes);
  try {
    await restoreToFile({ repository, tree, sizeBytes, file: partial, onProgress, signal: work.signal });
  } finally {
    progress.clear();
  }
  takeName(partial, work.file);
  return sizeBytes;
}

function takeName(partial: string, file: string): void {
  try {
    refuseExisting(file);
    fs.renameSync(partial, file);
  } catch (error) {
    fs.rmSync(partial, { force: true });
    throw error;
  }
}
