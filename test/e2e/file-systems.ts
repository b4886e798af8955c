/** The file systems that guests put on a disk: how each is made, how it frees space, and how its own program checks it. */
import { run, type LoopDisk } from './mounted-disk.ts';

export interface FileSystem {
  name: string;
  programs: string[];
  format: string[];
  /** Mount options: those that can trim as they delete do so. */
  options: string;
  /** Reads the whole file system, changes nothing, and fails when anything is wrong. */
  check: string[];
}

export const fileSystems: FileSystem[] = [
  {
    name: 'ext4',
    programs: ['mkfs.ext4', 'e2fsck'],
    format: ['mkfs.ext4', '-q', '-F'],
    options: 'discard',
    check: ['e2fsck', '-fn'],
  },
  {
    name: 'xfs',
    programs: ['mkfs.xfs', 'xfs_repair'],
    format: ['mkfs.xfs', '-q', '-f'],
    options: 'discard',
    check: ['xfs_repair', '-n'],
  },
  {
    name: 'btrfs',
    programs: ['mkfs.btrfs', 'btrfs'],
    format: ['mkfs.btrfs', '-q', '-f'],
    options: 'discard=sync',
    check: ['btrfs', 'check', '--readonly', '--check-data-csum'],
  },
];

export function format(disk: LoopDisk, fileSystem: FileSystem): void {
  const [program = '', ...options] = fileSystem.format;
  run(program, ...options, disk.device);
}

/**
 * After a crash or a rollback: the file system plays back its own log as it is mounted, then its check program must find
 * nothing. Leaves it mounted and returns the mount point.
 */
export function recover(disk: LoopDisk, fileSystem: FileSystem): string {
  disk.mount(fileSystem.options);
  disk.unmount();
  check(disk, fileSystem);
  return disk.mount(fileSystem.options);
}

/** The check program on an unmounted file system. */
export function check(disk: LoopDisk, fileSystem: FileSystem): void {
  const [program = '', ...options] = fileSystem.check;
  run(program, ...options, disk.device);
}

/** Gives back what the file system does not use. */
export function trim(mount: string): void {
  run('sync', '-f', mount);
  run('fstrim', mount);
}
