/** What a checkpoint's header must be like, whatever the map holds: generations, lineages, views (`docs/format.md`). */
import type { FrozenView, MapHead } from './disk-map.ts';
import type { Lineage } from './lineage.ts';
import { OPEN_END } from './lineage.ts';
import { VIEW_LIMIT } from './protocol.ts';

export function checkHead(head: MapHead, views: readonly FrozenView[], diskId: string): string[] {
  const { live, generation, trackedSince } = head;
  const problems = checkLineage(live, 'the live disk');
  if (head.diskId !== diskId) problems.push(`the checkpoint is of ${head.diskId}`);
  if (live.baseGeneration > generation) problems.push(`the base is of generation ${live.baseGeneration}, to come`);
  if (trackedSince > generation) problems.push(`changes are known from generation ${trackedSince} on, to come`);
  if (live.ranges.at(-1)?.[1] !== OPEN_END) problems.push('the live disk does not see what is written next');
  if (views.length > VIEW_LIMIT) problems.push(`${views.length} frozen views are more than ${VIEW_LIMIT}`);
  const ids = new Set(views.map(({ snapshotId }) => snapshotId));
  if (ids.size < views.length) problems.push('a snapshot has two frozen views');
  const isRising = views.every((view, i) => view.generation > (views[i - 1]?.generation ?? -1));
  if (!isRising) problems.push('the frozen views are not in the order of their generations');
  return problems;
}

export function checkView({ snapshotId, generation, sizeBytes, lineage }: FrozenView, head: MapHead): string[] {
  const who = `the view of ${snapshotId}`;
  const problems = checkLineage(lineage, who);
  if (generation >= head.generation) problems.push(`${who} has generation ${generation}, the disk ${head.generation}`);
  if (lineage.ranges.at(-1)?.[1] !== generation) problems.push(`${who} does not end with its generation`);
  if (sizeBytes > head.sizeBytes) problems.push(`${who} is larger than the disk`);
  return problems;
}

function checkLineage({ ranges, baseGeneration }: Lineage, who: string): string[] {
  const problems: string[] = [];
  const isRising = ranges.every(([first, last], i) => first <= last && first > (ranges[i - 1]?.[1] ?? -1));
  if (!isRising) problems.push(`${who} sees generations out of order`);
  if (ranges[0]?.[0] !== baseGeneration - 1) problems.push(`${who} does not begin with its base`);
  return problems;
}
