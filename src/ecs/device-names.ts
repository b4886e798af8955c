/** Names that the API gives to an instance's disks: `/dev/xvda` is the system disk, data disks follow (`ecs-api.md` 3.5). */

export const SYSTEM_DEVICE_NAME = '/dev/xvda';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** `/dev/xvdb` … `/dev/xvdz`, then `/dev/xvdaa` … `/dev/xvdzz`. */
export function isDataDeviceName(name: string): boolean {
  return /^\/dev\/xvd(?:[b-z]|[a-z]{2})$/.test(name);
}

/** The first name of a data disk that is not in use, or null when all are. */
export function findFreeDataDeviceName(used: Iterable<string>): string | null {
  const taken = new Set(used);
  for (const name of dataDeviceNames()) {
    if (!taken.has(name)) return name;
  }
  return null;
}

function* dataDeviceNames(): Generator<string> {
  for (const letter of LETTERS.slice(1)) yield `/dev/xvd${letter}`;
  for (const first of LETTERS) for (const second of LETTERS) yield `/dev/xvd${first}${second}`;
}
