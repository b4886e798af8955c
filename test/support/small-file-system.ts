/** A file system of a fixed size for tests of what happens when it is full. Needs root: others skip. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

const MIB = 1024 ** 2;

/** Mounted at `folder` until the test ends; null when this machine cannot, and the test is skipped with the reason. */
export function mountSmall(t: TestContext, kind: 'tmpfs' | 'ext4', sizeBytes: number): string | null {
  const bed = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-small-'));
  const folder = path.join(bed, 'fs');
  fs.mkdirSync(folder);
  const problem =
    kind === 'tmpfs' ? mountTmpfs(folder, sizeBytes) : mountExt4(path.join(bed, 'image'), folder, sizeBytes);
  t.after(() => {
    if (problem === null) run('umount', ['-l', folder]);
    fs.rmSync(bed, { recursive: true });
  });
  if (problem === null) return folder;
  t.skip(`no ${kind} can be mounted here: ${problem}`);
  return null;
}

function mountTmpfs(folder: string, sizeBytes: number): string | null {
  return run('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'hupo-test', folder]);
}

/** Without blocks that only root may use, for that is who runs this. */
function mountExt4(image: string, folder: string, sizeBytes: number): string | null {
  fs.writeFileSync(image, '');
  fs.truncateSync(image, sizeBytes);
  return run('mkfs.ext4', ['-q', '-m', '0', image]) ?? run('mount', ['-o', 'loop', image, folder]);
}

function run(program: string, args: string[]): string | null {
  const { status, error, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return status === 0 ? null : (error?.message ?? stderr.trim());
}

/** Fills it to the last byte with a file of that name; removing that gives the room back. */
export function fillUp(folder: string, name = 'ballast', leaveBytes = 0): void {
  const fd = fs.openSync(path.join(folder, name), 'a');
  try {
    for (let piece = Buffer.alloc(MIB, 0x55); piece.length > 0;) {
      const { bavail, bsize } = fs.statfsSync(folder);
      const room = bavail * bsize - leaveBytes;
      if (leaveBytes > 0 && room < piece.length) piece = piece.subarray(0, Math.max(0, room));
      try {
        if (piece.length > 0) fs.writeSync(fd, piece);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        piece = piece.length > 1 ? piece.subarray(0, piece.length >> 1) : Buffer.alloc(0);
      }
    }
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}
