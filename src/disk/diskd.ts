/**
 * The data plane's process: owns `DIR/disks`, answers the control protocol on `<run>/diskd.sock`, and keeps the disks on
 * a pool of threads. It needs no other process of Hupo to serve I/O, and ends only when it is told to.
 *
 * A SIGKILL leaves sockets and perhaps half-made folders, which the next start removes.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { systemClock } from '../lib/clock.ts';
import { CorruptionError, OperationalError, messageOf } from '../lib/errors.ts';
import { systemFiles } from '../lib/files.ts';
import type { FolderLock } from '../lib/folder-lock.ts';
import { acquireFolderLock } from '../lib/folder-lock.ts';
import type { Handlers } from '../lib/line-channel.ts';
import { serveLines } from '../lib/line-channel.ts';
import type { Log } from '../lib/log.ts';
import { createLog } from '../lib/log.ts';
import { folderIdentity } from '../lib/run-folder.ts';
import { BackgroundPace } from './background-pace.ts';
import { findViewBase, listDiskFolders, removeLeftovers } from './disk-folder.ts';
import type { DiskCall } from './disk-host.ts';
import { GroupFreezes } from './group-freezes.ts';
import type { DiskState, DiskdCalls } from './protocol.ts';
import { DISKD_PROTOCOL } from './protocol.ts';
import { ThreadPool } from './thread-pool.ts';

export interface DiskdOptions {
  /** DIR, absolute. */
  dataFolder: string;
  /** Where the sockets go. */
  runFolder: string;
  /** What guests leave free of the file system (D12). */
  reserveBytes: number;
  err: (text: string) => void;
}

/** Serves until it is told to end; returns the process's exit code. */
export async function runDiskd(options: DiskdOptions): Promise<number> {
  const log = createLog('diskd', systemClock, options.err);
  const disksFolder = path.join(options.dataFolder, 'disks');
  const lock = prepareFolders(options, disksFolder);
  await systemFiles.syncFolder(options.dataFolder);
  const ended = Promise.withResolvers<number>();
  const { dataFolder, runFolder, reserveBytes } = options;
  const threadCount = os.availableParallelism();
  const viewOf = (diskId: string) => findViewBase(systemFiles, path.join(disksFolder, diskId));
  const pool = new ThreadPool({ dataFolder, runFolder, reserveBytes, threadCount, viewOf }, (error) => {
    log.warn(`a disk thread failed: ${error.stack ?? error.message}`);
    ended.resolve(1);
  });
  const shutdown = createShutdown(pool, () => setImmediate(() => ended.resolve(0)));
  const hello = {
    protocol: DISKD_PROTOCOL,
    pid: process.pid,
    folder: folderIdentity(options.dataFolder),
    startedAtMs: systemClock.nowMs(),
  };
  const server = await serveLines<DiskdCalls>(path.join(options.runFolder, 'diskd.sock'), {
    ...diskHandlers(pool),
    hello: async () => hello,
    listDisks: async ({ active }) => ({
      disks: active === true ? await pool.listActive() : await listDisks(pool, disksFolder, log),
    }),
    shutdown,
  });
  const stopListening = listenToSignals(shutdown, log);
  const exitCode = await ended.promise;
  stopListening();
  await server.close();
  if (exitCode !== 0) process.exit(exitCode); // other threads may be in any state: the folders are always right
  lock.release();
  return exitCode;
}

/** Takes the lock of `DIR/disks` and removes what an earlier diskd may have left. */
function prepareFolders({ dataFolder, runFolder }: DiskdOptions, disksFolder: string): FolderLock {
  systemFiles.ensureFolder(disksFolder);
  systemFiles.ensureFolder(runFolder);
  const lock = acquireFolderLock(path.join(disksFolder, 'lock.db'), `another diskd serves ${dataFolder}`);
  removeLeftovers(systemFiles, disksFolder);
  for (const name of systemFiles.list(runFolder)) {
    if (/^d-.*\.sock$/.test(name)) fs.rmSync(path.join(runFolder, name), { force: true });
  }
  return lock;
}

/** A chunk that is there already is looked at, and costs guests less than one that is fetched. */
const LOOK_BYTES = 4096;

function diskHandlers(pool: ThreadPool): Pick<Handlers<DiskdCalls>, DiskCall | 'freezeGroup'> {
  const groups = new GroupFreezes(
    systemClock,
    (diskId) => pool.threadOf(diskId),
    (diskId) => pool.call('describeDisk', { diskId }),
  );
  const pace = new BackgroundPace(systemClock, async () => (await pool.count()).requestCount);
  return {
    createDisk: (body) => pool.call('createDisk', body),
    deleteDisk: (body) => pool.call('deleteDisk', body),
    openDisk: (body) => pool.call('openDisk', body),
    closeDisk: (body) => pool.call('closeDisk', body),
    describeDisk: (body) => pool.call('describeDisk', body),
    freeze: (body) => pool.call('freeze', body),
    freezeGroup: async (body) => ({ members: await groups.freeze(body) }),
    awaitDurable: (body) => pool.call('awaitDurable', body),
    cancelFreeze: (body) => pool.call('cancelFreeze', body),
    listViewChunks: (body) => pool.call('listViewChunks', body),
    releaseView: (body) => pool.call('releaseView', body),
    rollback: (body) => pool.call('rollback', body),
    resizeDisk: (body) => pool.call('resizeDisk', body),
    rebase: (body) => pool.call('rebase', body),
    fetchBase: async (body) => {
      const reply = await pool.call('fetchBase', body);
      await pace.pace(reply.progress.fetchedBytes + body.chunkLimit * LOOK_BYTES);
      return reply;
    },
    checkDisk: (body) => pool.call('checkDisk', body),
    findChunks: (body) => pool.call('findChunks', body),
    compareDisk: async (body) => {
      const reply = await pool.call('compareDisk', body);
      await pace.pace(reply.comparedCount * CHUNK_BYTES);
      return reply;
    },
  };
}

/** A disk that does not open is left out, and said: `checkDisk` tells what is wrong with it. */
async function listDisks(pool: ThreadPool, disksFolder: string, log: Log): Promise<DiskState[]> {
  const states = await Promise.all(
    listDiskFolders(systemFiles, disksFolder).map(async (diskId) => {
      try {
        return (await pool.call('describeDisk', { diskId })).disk;
      } catch (error) {
        if (error instanceof CorruptionError || error instanceof OperationalError) {
          log.warn(`${diskId} does not open: ${messageOf(error)}`);
          return null;
        }
        throw error;
      }
    }),
  );
  return states.filter((state) => state !== null);
}

type Shutdown = Handlers<DiskdCalls>['shutdown'];

function createShutdown(pool: ThreadPool, onDone: () => void): (request: { force: boolean }) => ReturnType<Shutdown> {
  let closing: Promise<void> | undefined;
  return async ({ force }) => {
    if (closing === undefined) {
      const clientCount = (await pool.count()).clientCount;
      if (clientCount > 0 && !force) return { clientCount, ending: false };
    }
    closing ??= pool.close().then(onDone);
    await closing;
    return { clientCount: 0, ending: true };
  };
}

/** The session's terminal is not ours: only SIGTERM is heard, and as politely as a shutdown without force. */
function listenToSignals(shutdown: (request: { force: boolean }) => ReturnType<Shutdown>, log: Log): () => void {
  const ignore = () => {};
  const terminate = () => {
    shutdown({ force: false }).then(
      ({ clientCount, ending }) => {
        if (!ending) log.info(`${clientCount} clients are connected: staying. \`hupo stop\` ends it all the same`);
      },
      (error: unknown) => log.warn(`ending: ${messageOf(error)}`),
    );
  };
  process.on('SIGINT', ignore).on('SIGHUP', ignore).on('SIGTERM', terminate);
  return () => void process.off('SIGINT', ignore).off('SIGHUP', ignore).off('SIGTERM', terminate);
}
