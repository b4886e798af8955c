/**
 * The file `regions.json` in the run folder of each region that a server serves: where its regions are, so that commands which are given the
 * folder of any of them, or `--region`, find the others. Written at every start and left there, also by a crash: it says then who served last.
 */
import fs from 'node:fs';
import path from 'node:path';

export interface ServedRegions {
  /** The folder of the first region, which has the keys; absolute. */
  root: string;
  /** Region → its folder, absolute. */
  folders: Readonly<Record<string, string>>;
}

export function writeServedRegions(runFolder: string, served: ServedRegions): void {
  fs.writeFileSync(path.join(runFolder, NAME), `${JSON.stringify(served)}\n`, { mode: 0o600 });
}

/** Null where none was written, or not whole. */
export function findServedRegions(runFolder: string): ServedRegions | null {
  try {
    const served = JSON.parse(fs.readFileSync(path.join(runFolder, NAME), 'utf8')) as Partial<ServedRegions> | null;
    const { root, folders } = served ?? {};
    return typeof root === 'string' && typeof folders === 'object' ? { root, folders } : null;
  } catch {
    return null;
  }
}

/** The region that is in that folder. */
export function regionIn({ folders }: ServedRegions, folder: string): string | undefined {
  return Object.keys(folders).find((regionId) => folders[regionId] === folder);
}

const NAME = 'regions.json';
