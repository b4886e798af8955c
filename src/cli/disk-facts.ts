/** `hupo disk show` as text: everything that the data plane says of one disk, in words. Pure. */
import { VIEW_LIMIT, isViewBase } from '../disk/protocol.ts';
import type { BaseRef, DiskState, ViewState } from '../disk/protocol.ts';
import { formatBytes } from '../lib/byte-units.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import type { DiskRates } from './disk-rates.ts';
import { alignCells } from './columns.ts';
import { formatCount, formatMib, formatOpen } from './disk-table.ts';
import { formatDuration } from './units.ts';

/** `nowMs` is wall time; `rates` is undefined where there is no earlier look. Ends with a line break. */
export function formatDisk(disk: DiskState, rates: DiskRates | undefined, nowMs: number): string {
  const sections: [string, [string, string][]][] = [
    [`${disk.diskId}  ${formatBytes(disk.sizeBytes)}, ${disk.socketPath === null ? 'closed' : 'open'}`, identity(disk)],
    ['Now', now(disk, rates)],
    ['Since it was opened', counted(disk)],
    ['Mapping', mapping(disk)],
  ];
  const width = Math.max(...sections.flatMap(([, facts]) => facts.map(([name]) => name.length)));
  const text = sections.map(([title, facts]) =>
    [title, ...facts.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)].join('\n'),
  );
  return `${[...text, formatViews(disk, nowMs)].join('\n\n')}\n`;
}

function identity(disk: DiskState): [string, string][] {
  const { base, incarnation, generation, written, compareReason, syncFailure, socketPath } = disk;
  return [
    ['socket', socketPath ?? 'none: the disk is not served'],
    ['clients', formatOpen(disk)],
    ['base', formatBase(base) + formatFetched(disk)],
    ['incarnation', `${incarnation}${incarnation === 1 ? '' : ` (rolled back ${incarnation - 1} times)`}`],
    ['generation', `${generation} is being written`],
    ['written', written ? 'yes' : 'never, by a guest or an import'],
    ['change tracking', compareReason === null ? 'whole' : `lost, the next snapshot compares all: ${compareReason}`],
    ['flushes', syncFailure === null ? 'work' : `fail until the disk is opened anew: ${syncFailure}`],
  ];
}

function formatBase(base: BaseRef): string {
  if (isViewBase(base)) return `the frozen view ${base.snapshotId} of the disk ${base.viewOf}`;
  const { snapshotId, tree } = base;
  if (tree.root === null)
    return snapshotId === null ? 'zeros' : `zeros; all of the snapshot ${snapshotId} is in the disk`;
  const bytes = formatBytes(tree.dataChunkCount * CHUNK_BYTES);
  return `the ${snapshotId === null ? 'tree' : `snapshot ${snapshotId}, tree`} ${tree.root.slice(0, 16)}… (${bytes} of data)`;
}

function formatFetched({ base, fetchedChunkCount = 0 }: DiskState): string {
  if (isViewBase(base) || base.tree.dataChunkCount === 0 || fetchedChunkCount === 0) return '';
  return `, ${Math.floor((100 * fetchedChunkCount) / base.tree.dataChunkCount)} % of it fetched`;
}

function now({ limits }: DiskState, rates: DiskRates | undefined): [string, string][] {
  const line = (count: number | undefined, bytes: number | undefined) =>
    `${formatCount(count)} a second, ${formatMib(bytes)} MiB/s`;
  return [
    ['reads', line(rates?.reads, rates?.readBytes)],
    ['writes', line(rates?.writes, rates?.writtenBytes)],
    ['flushes', `${formatCount(rates?.flushes)} a second`],
    ['trims, zeroes', `${formatCount(rates?.zeroes)} a second`],
    [
      'limits',
      limits === null ? 'none' : `${limits.iops} requests a second, ${formatBytes(limits.bytesPerSecond)} a second`,
    ],
  ];
}

function counted({ counters }: DiskState): [string, string][] {
  return [
    ['reads', `${counters.readCount}, ${formatBytes(counters.readBytes)}`],
    ['writes', `${counters.writeCount}, ${formatBytes(counters.writtenBytes)}`],
    ['flushes', String(counters.flushCount)],
    ['trims, zeroes', String(counters.zeroCount)],
  ];
}

function mapping({ mapping: facts, allocatedBytes, sizeBytes }: DiskState): [string, string][] {
  const slots = (count: number) => `${count} slots, ${formatBytes(count * CHUNK_BYTES)}`;
  const percent = ((100 * facts.dataChunkCount * CHUNK_BYTES) / sizeBytes).toFixed(1);
  return [
    [
      'mapped',
      `${formatBytes(facts.dataChunkCount * CHUNK_BYTES)} in ${facts.dataChunkCount} chunks, ${percent} % of the disk`,
    ],
    ['in use', slots(facts.usedSlotCount)],
    ['being freed', slots(facts.freeingSlotCount)],
    ['older layers', `${facts.olderLayerCount}, kept for views or waiting to be merged`],
    ['on the device', formatBytes(allocatedBytes)],
    ['map pages', `${facts.pageCount}, ${facts.cachedPageCount} of them in memory`],
    ['journal', `${facts.journalRecordCount} records since the last checkpoint`],
  ];
}

/** What the views keep is not known one by one: a slot may serve several. */
function formatViews({ views, mapping: { usedSlotCount, dataChunkCount } }: DiskState, nowMs: number): string {
  const title = `Frozen views  ${views.length} of at most ${VIEW_LIMIT}`;
  if (views.length === 0) return title;
  const heldBytes = Math.max(0, usedSlotCount - dataChunkCount) * CHUNK_BYTES;
  const rows = views.map((view) => viewCells(view, nowMs));
  const aligns = ['left', 'right', 'right', 'right', 'left'] as const;
  const table = alignCells(
    [['SNAPSHOT', 'GENERATION', 'FROZEN', 'SIZE', 'DURABLE'], ...rows],
    aligns.map((align) => ({ align, width: 0 })),
  );
  const held = `beyond what the disk itself needs, ${formatBytes(heldBytes)} are held, for views and for what waits to be merged`;
  return [title, ...table.map((line) => `  ${line}`), `  ${held}`].join('\n');
}

function viewCells({ snapshotId, generation, frozenAtMs, sizeBytes, durable }: ViewState, nowMs: number): string[] {
  const age = formatDuration(Math.max(0, nowMs - frozenAtMs));
  return [snapshotId, String(generation), `${age} ago`, formatBytes(sizeBytes), durable ? 'yes' : 'not yet'];
}
