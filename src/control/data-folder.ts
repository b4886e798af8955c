/** Where everything is in a data folder (DIR). No absolute path is stored in it: it may be moved while nothing runs. */
import fs from 'node:fs';
import path from 'node:path';
import { OperationalError, messageOf } from '../lib/errors.ts';
import { ensureRunFolder } from '../lib/run-folder.ts';

export interface DataFolder {
  root: string;
  catalogFile: string;
  /** Of monitoring: made anew when lost. */
  monitorFile: string;
  /** Who changed what. */
  auditFile: string;
  disksFolder: string;
  repositoryFolder: string;
  /** Of caches of the repository: made anew when lost. */
  cacheFolder: string;
  keysFolder: string;
  /** Whose folders are the buckets of images, unless `serve --exchange` names another. */
  exchangeFolder: string;
  /** The CA that `serve --tls` made, its certificate in `ca.pem`, and the server's own. */
  tlsFolder: string;
  /** Of sockets; outside DIR where DIR's path is too long for them. */
  runFolder: string;
  diskdSocket: string;
  diskdLog: string;
  serveSocket: string;
  /** Holds the server's URL while it serves. */
  endpointFile: string;
}

/** Makes what is absent, 0700. `folder` is absolute. */
export function ensureDataFolder(folder: string, runtimeFolder: string): DataFolder {
  const inside = (name: string) => path.join(folder, name);
  for (const name of [
    folder,
    inside('disks'),
    inside('repository'),
    inside('cache'),
    inside('keys'),
    inside('exchange'),
  ]) {
    makeFolder(name);
  }
  const runFolder = ensureRunFolder(folder, runtimeFolder);
  return {
    root: folder,
    catalogFile: inside('catalog.db'),
    monitorFile: inside('monitor.db'),
    auditFile: inside('audit.db'),
    disksFolder: inside('disks'),
    repositoryFolder: inside('repository'),
    cacheFolder: inside('cache'),
    keysFolder: inside('keys'),
    exchangeFolder: inside('exchange'),
    tlsFolder: inside('tls'),
    runFolder,
    diskdSocket: path.join(runFolder, 'diskd.sock'),
    diskdLog: path.join(runFolder, 'diskd.log'),
    serveSocket: path.join(runFolder, 'serve.sock'),
    endpointFile: path.join(runFolder, 'endpoint'),
  };
}

/** The one that is asked for, which must be there; else DIR's own. */
export function findExchangeFolder(asked: string | null, { exchangeFolder }: DataFolder): string {
  if (asked === null) return exchangeFolder;
  if (fs.statSync(asked, { throwIfNoEntry: false })?.isDirectory() === true) return asked;
  throw new OperationalError(`--exchange ${asked} is no folder: make it, or name another`, { retryable: false });
}

/** With its parents. One by one: Node's own recursion never ends where a file system refuses new names (/proc). */
function makeFolder(folder: string): void {
  try {
    const stat = fs.statSync(folder, { throwIfNoEntry: false });
    if (stat?.isDirectory() === true) return;
    if (stat !== undefined) throw unusable(`${folder} is a file, not a folder`);
    makeFolder(path.dirname(folder));
    fs.mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (error instanceof OperationalError) throw error;
    throw unusable(`${folder} cannot be made: ${messageOf(error)}`, error);
  }
}

function unusable(problem: string, cause?: unknown): OperationalError {
  return new OperationalError(`${problem}; name another folder with --data`, { retryable: false, cause });
}
