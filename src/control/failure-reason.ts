/** Why something failed, as the API tells it: for people anywhere, so without this machine's paths. The log has them. */
import path from 'node:path';

/** An absolute path: two names or more, and no device of an instance. */
const PATH = /(?<=^|[\s"'(=:])(?!\/dev\/xvd[a-z](?![\w/]))(?:file:\/\/)?(?:\/[^\s/"'():,;]+){2,}/g;

/** The first line; paths in the data folder become relative to it, of others only the last name stays. */
export function toPublicReason(reason: string, dataFolder: string): string {
  const [line = ''] = reason.split('\n', 1);
  return line.replaceAll(`${dataFolder}${path.sep}`, '').replaceAll(PATH, (found) => path.basename(found));
}
