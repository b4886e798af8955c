/** Which groups a restore reads, in which order, and where their chunks go. Pure. */
import { CorruptionError } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import type { Location } from './pack.ts';
import type { TreeEntry } from './tree.ts';

/** A chunk in a group's plain bytes, and the chunks of the file that it is. Plain data: it goes to a thread. */
export interface EntryTask {
  /** 64 hex digits. */
  digest: string;
  position: number;
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

/** Groups that lie side by side in a pack, and are read at once. */
export interface Span {
  packId: string;
  offset: number;
  length: number;
  tasks: GroupTask[];
}

/** What one span may have, unless a single group has more. */
export const SPAN_BYTES = 1024 * 1024;

/** What a thread is told of at a time has so many plain bytes, or a group more. */
const BATCH_BYTES = 8 * 1024 * 1024;

/**
 * One task a group, in the order of the first chunks that they hold: a file is written best from its beginning to its
 * end, and groups were stored in about that order. `locations` are those of the window's chunks. Throws CorruptionError
 * where there is none.
 */
export function planRestore(window: readonly TreeEntry[], locations: readonly (Location | undefined)[]): GroupTask[] {
  const tasks: GroupTask[] = [];
  const known = new Map<string, Map<number, GroupTask>>();
  for (const [index, { chunk, digest }] of window.entries()) {
    const location = checkLocation(locations[index], digest);
    let groups = known.get(location.packId);
    if (groups === undefined) known.set(location.packId, (groups = new Map<number, GroupTask>()));
    let task = groups.get(location.groupOffset);
    if (task === undefined) {
      const { packId, groupOffset, storedLength, plainLength, codec } = location;
      task = { packId, groupOffset, storedLength, plainLength, codec, entries: [] };
      groups.set(groupOffset, task);
      tasks.push(task);
    }
    const { position } = location;
    const entry = task.entries.find((each) => each.position === position);
    if (entry === undefined) task.entries.push({ digest: digest.toString('hex'), position, targets: [chunk] });
    else entry.targets.push(chunk);
  }
  return tasks;
}

function checkLocation(location: Location | undefined, digest: Buffer): Location {
  if (location?.length === CHUNK_BYTES) return location;
  const where = location === undefined ? 'no pack holds it' : `it has ${location.length} bytes`;
  throw new CorruptionError(`chunk ${digest.toString('hex')}`, where);
}

/** Where the group's bytes go when they go to one place, whole and in order: the first chunk. */
export function findStretch({ entries, plainLength }: GroupTask): number | undefined {
  const first = entries[0]?.targets[0];
  if (first === undefined || entries.length * CHUNK_BYTES !== plainLength) return undefined;
  const isInOrder = entries.every(
    ({ position, targets }, index) =>
      position === index * CHUNK_BYTES && targets.length === 1 && targets[0] === first + index,
  );
  return isInOrder ? first : undefined;
}

/** The tasks in pieces, for one thread each. */
export function planBatches(tasks: readonly GroupTask[]): GroupTask[][] {
  const batches: GroupTask[][] = [];
  let plainBytes = BATCH_BYTES;
  for (const task of tasks) {
    if (plainBytes >= BATCH_BYTES) {
      batches.push([]);
      plainBytes = 0;
    }
    batches.at(-1)?.push(task);
    plainBytes += task.plainLength;
  }
  return batches;
}

/** The reads that get the tasks' stored bytes, in the same order. */
export function planSpans(tasks: readonly GroupTask[]): Span[] {
  const spans: Span[] = [];
  for (const task of tasks) {
    const { packId, groupOffset: offset, storedLength } = task;
    const last = spans.at(-1);
    const isNext = last?.packId === packId && last.offset + last.length === offset;
    if (isNext && last.length + storedLength <= SPAN_BYTES) {
      last.tasks.push(task);
      last.length += storedLength;
    } else {
      spans.push({ packId, offset, length: storedLength, tasks: [task] });
    }
  }
  return spans;
}
