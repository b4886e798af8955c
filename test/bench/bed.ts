/** What the rows stand on: a server with a running instance and one disk, a folder for peers, both removed afterwards. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { TestServer } from '../e2e/server.ts';

export interface Bed {
  server: TestServer;
  instanceId: string;
  diskId: string;
  uri: string;
  /** For the peers' files, on the same file system. */
  folder: string;
}

export async function withBed<T>(sizeGib: number, use: (bed: Bed) => Promise<T>): Promise<T> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-bench-'));
  const server = new TestServer();
  try {
    await server.start();
    const made = await server.runInstance({ Category: 'cloud_essd', Size: sizeGib });
    return await use({ server, folder, ...made });
  } finally {
    server.cli('stop', '--data', server.dataFolder);
    fs.rmSync(server.dataFolder, { recursive: true, force: true });
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** A snapshot taken and finished; returns its id. */
export async function snapshot(bed: Bed): Promise<string> {
  const answer = await bed.server.call('CreateSnapshot', { DiskId: bed.diskId });
  const done = await bed.server.finishedSnapshot(answer.SnapshotId, 600_000);
  if (done.Status !== 'accomplished') throw new Error(`snapshot ${answer.SnapshotId} is ${done.Status}`);
  return String(answer.SnapshotId);
}
