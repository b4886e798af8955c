/** What a suite needs of the machine. A skip names what is missing; in CI nothing may be skipped, so it fails there. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const folders = ['/usr/bin', '/usr/sbin', '/bin', '/sbin', ...(process.env['PATH'] ?? '').split(path.delimiter)];

const found = (program: string) => folders.some((folder) => fs.existsSync(path.join(folder, program)));

/** The `skip` option for a test that runs these programs: false, or the reason. Throws in CI when any is absent. */
export function needsPrograms(...programs: string[]): string | false {
  return reason(programs.filter((program) => !found(program)).map((program) => `${program} is not installed`));
}

/** For tests that mount: root, loop devices and FUSE beside the programs. */
export function needsMounts(...programs: string[]): string | false {
  const missing = programs.filter((program) => !found(program)).map((program) => `${program} is not installed`);
  if (process.getuid?.() !== 0) missing.push('it mounts, which needs root');
  if (!fs.existsSync('/dev/fuse')) missing.push('/dev/fuse is absent');
  if (found('losetup') && spawnSync('losetup', ['-f']).status !== 0) missing.push('no free loop device');
  return reason(missing);
}

function reason(missing: string[]): string | false {
  if (missing.length === 0) return false;
  if (process.env['CI'] === 'true') throw new Error(`nothing may be skipped in CI: ${missing.join('; ')}`);
  return missing.join('; ');
}
