/** `hupo disk list` and `top` as text: a line a disk, numbers under one another. Pure. */
import { isViewBase } from '../disk/protocol.ts';
import type { DiskState } from '../disk/protocol.ts';
import { formatBytes } from '../lib/byte-units.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { alignCells, type ColumnShape } from './columns.ts';
import type { DiskRates } from './disk-rates.ts';

interface Column extends ColumnShape {
  title: string;
  cell: (disk: DiskState, rates: DiskRates | undefined) => string;
}

const SIZE_WIDTH = '83.4 GiB'.length;

const id: Column = { title: 'DISK', align: 'left', width: 0, cell: ({ diskId }) => diskId };
const open: Column = { title: 'OPEN', align: 'left', width: '99 clients'.length, cell: formatOpen };
const note: Column = { title: 'NOTE', align: 'left', width: 0, cell: (disk) => describeTrouble(disk).join('; ') };

const live: Column[] = [
  right('READS/s', (_disk, rates) => formatCount(rates?.reads)),
  right('WRITES/s', (_disk, rates) => formatCount(rates?.writes)),
  right('READ MiB/s', (_disk, rates) => formatMib(rates?.readBytes)),
  right('WRITTEN MiB/s', (_disk, rates) => formatMib(rates?.writtenBytes)),
];

const listColumns: Column[] = [
  id,
  right('SIZE', ({ sizeBytes }) => formatBytes(sizeBytes), SIZE_WIDTH),
  open,
  right('MAPPED', ({ mapping }) => formatBytes(mapping.dataChunkCount * CHUNK_BYTES), SIZE_WIDTH),
  right('ON DEVICE', ({ allocatedBytes }) => formatBytes(allocatedBytes), SIZE_WIDTH),
  right('VIEWS', ({ views }) => String(views.length)),
  right('GENERATION', ({ generation }) => String(generation)),
  ...live,
  note,
];

const topColumns: Column[] = [
  id,
  open,
  ...live,
  right('FLUSHES/s', (_disk, rates) => formatCount(rates?.flushes)),
  right('TRIMS/s', (_disk, rates) => formatCount(rates?.zeroes)),
  note,
];

export type TableKind = 'list' | 'top';

/** The title line, then a line a disk, without line breaks. */
export function formatDisks(
  kind: TableKind,
  disks: readonly DiskState[],
  rates: ReadonlyMap<string, DiskRates>,
): string[] {
  const columns = kind === 'list' ? listColumns : topColumns;
  const rows = disks.map((disk) => columns.map(({ cell }) => cell(disk, rates.get(disk.diskId))));
  return alignCells([columns.map(({ title }) => title), ...rows], columns);
}

/** The busiest first: by bytes moved, then by requests. */
export function sortByLoad(disks: readonly DiskState[], rates: ReadonlyMap<string, DiskRates>): DiskState[] {
  const load = ({ diskId }: DiskState): [number, number] => {
    const found = rates.get(diskId);
    if (found === undefined) return [0, 0];
    return [found.readBytes + found.writtenBytes, found.reads + found.writes + found.flushes + found.zeroes];
  };
  return disks.toSorted((a, b) => load(b)[0] - load(a)[0] || load(b)[1] - load(a)[1] || (a.diskId < b.diskId ? -1 : 1));
}

/** What a person should know of a disk at first sight; empty when there is nothing. */
function describeTrouble({ syncFailure, compareReason, base, limits }: DiskState): string[] {
  return [
    ...(syncFailure === null ? [] : ['every flush fails']),
    ...(compareReason === null ? [] : ['the next snapshot compares all']),
    ...(isViewBase(base) ? [`reads from a view of ${base.viewOf}`] : []),
    ...(limits === null ? [] : ['limited']),
  ];
}

function right(title: string, cell: Column['cell'], width = 0): Column {
  return { title, align: 'right', width, cell };
}

export function formatOpen({ socketPath, clientCount }: DiskState): string {
  if (socketPath === null) return 'closed';
  return clientCount === 1 ? '1 client' : `${clientCount} clients`;
}

/** `-`: not known. */
export function formatCount(perSecond: number | undefined): string {
  if (perSecond === undefined) return '-';
  return perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : String(Math.round(perSecond));
}

export function formatMib(bytesPerSecond: number | undefined): string {
  return bytesPerSecond === undefined ? '-' : (bytesPerSecond / 1024 ** 2).toFixed(1);
}
