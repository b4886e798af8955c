/** Where everything is in a data folder (DIR). No absolute path is stored in it: it may be moved while nothing runs. */
import fs from 'node:fs';
import path from 'node:path';
import { ensureRunFolder } from '../lib/run-folder.ts';

export interface DataFolder {
  root: string;
  catalogFile: string;
  disksFolder: string;
  repositoryFolder: string;
  keysFolder: string;
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
  for (const name of [folder, inside('disks'), inside('repository'), inside('keys')]) {
    fs.mkdirSync(name, { recursive: true, mode: 0o700 });
  }
  const runFolder = ensureRunFolder(folder, runtimeFolder);
  return {
    root: folder,
    catalogFile: inside('catalog.db'),
    disksFolder: inside('disks'),
    repositoryFolder: inside('repository'),
    keysFolder: inside('keys'),
    runFolder,
    diskdSocket: path.join(runFolder, 'diskd.sock'),
    diskdLog: path.join(runFolder, 'diskd.log'),
    serveSocket: path.join(runFolder, 'serve.sock'),
    endpointFile: path.join(runFolder, 'endpoint'),
  };
}
