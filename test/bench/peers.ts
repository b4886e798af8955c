/** The peers that serve disks: qemu-nbd on qcow2 and raw, nbdkit's file plugin. */
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { formatNbdUri } from '../../src/nbd/uri.ts';
import { waitFor } from '../e2e/server.ts';
import type { ServedDisk } from './contest.ts';
import { output } from './load.ts';

export const PEER_KINDS = ['qemu-nbd qcow2', 'qemu-nbd raw', 'nbdkit file'] as const;
export type PeerKind = (typeof PEER_KINDS)[number];

/** A new sparse image in `folder`, served on a unix socket with write-back through the page cache, as Hupo's disks are. */
export async function openPeer(kind: PeerKind, folder: string, sizeGib: number): Promise<ServedDisk> {
  const home = fs.mkdtempSync(path.join(folder, 'peer-'));
  const image = path.join(home, 'image');
  const socket = path.join(home, 'socket');
  if (kind === 'qemu-nbd qcow2') await output('qemu-img', ['create', '-q', '-f', 'qcow2', image, `${sizeGib}G`]);
  else fs.closeSync(fs.openSync(image, 'w'));
  if (kind !== 'qemu-nbd qcow2') fs.truncateSync(image, sizeGib * 1024 ** 3);
  const [command, ...args] = commandOf(kind, image, socket);
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  await waitFor(kind, 10_000, async () => (fs.existsSync(socket) ? true : null));
  return {
    name: kind,
    uri: formatNbdUri({ socketPath: socket, exportName: '' }),
    pid: child.pid ?? 0,
    close: async () => {
      await end(child);
      fs.rmSync(home, { recursive: true });
    },
  };
}

function commandOf(kind: PeerKind, image: string, socket: string): [string, ...string[]] {
  if (kind === 'nbdkit file') return ['nbdkit', '--foreground', '--unix', socket, 'file', image];
  const format = kind === 'qemu-nbd raw' ? 'raw' : 'qcow2';
  return ['qemu-nbd', '-f', format, '--cache=writeback', '--persistent', '--shared=8', '-k', socket, image];
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}
