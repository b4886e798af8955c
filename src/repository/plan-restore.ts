/** Which groups a restore reads, in which order, and where their chunks go. Pure. */
import { CorruptionError } from '../lib/errors.ts';
import type { Location } from './pack.ts';
import type { TreeEntry } from './tree.ts';

/** A chunk in a group's plain bytes, and the chunks of the file that it is. Plain data: it goes to a thread. */
export interface EntryTask {
  digest: string;
  position: number;
  length: number;
  targets: number[];
}

export interface GroupTask {
  packId: string;
  groupOffset: number;
  storedLength: number;
  plainLength: number;
  codec: number;
  entries: EntryTask[];
}

/**
 * One task a group, in the order of the first chunks that they hold: a file is written best from its beginning to its
 * end, and groups were stored in about that order. Throws CorruptionError for a digest that `locate` does not know.
 */
export function planRestore(
  window: readonly TreeEntry[],
  locate: (digest: Buffer) => Location | undefined,
): GroupTask[] {
  // A map keeps the order of insertion, which is the order of first chunks.
  const groups = new Map<string, GroupTask>();
  const entries = new Map<string, EntryTask>();
  for (const { chunk, digest } of window) {
    const name = digest.toString('hex');
    const known = entries.get(name);
    if (known !== undefined) {
      known.targets.push(chunk);
      continue;
    }
    const location = locate(digest);
    if (location === undefined) throw new CorruptionError(`chunk ${name}`, 'no pack holds it');
    const { position, length } = location;
    const entry = { digest: name, position, length, targets: [chunk] };
    entries.set(name, entry);
    groupOf(groups, location).entries.push(entry);
  }
  return [...groups.values()];
}

function groupOf(groups: Map<string, GroupTask>, location: Location): GroupTask {
  const { packId, groupOffset, storedLength, plainLength, codec } = location;
  const key = `${packId}:${groupOffset}`;
  let group = groups.get(key);
  if (group === undefined) {
    group = { packId, groupOffset, storedLength, plainLength, codec, entries: [] };
    groups.set(key, group);
  }
  return group;
}
