/** What `hupo repository show` and `snapshots` print. Pure. */
import type { RepositoryReport } from '../control/serve-calls.ts';
import { formatBytes } from '../lib/byte-units.ts';
import { alignCells } from './columns.ts';

const left = { align: 'left', width: 0 } as const;
const right = { align: 'right', width: 0 } as const;
const chainColumns = [left, right, right];
const snapshotColumns = [left, left, left, right, right, right, left, left];

/** A line each, and a table of the chains. */
export function formatReport(report: RepositoryReport): string {
  const { packs, wholeBytes, distinctBytes, snapshots, chains, owner } = report;
  const deadBytes = Math.max(0, packs.bytes - packs.liveBytes);
  const lines = [
    ['packs', `${packs.count}, ${formatBytes(packs.bytes)}`],
    ['needed', `${formatBytes(packs.liveBytes)}; ${formatBytes(deadBytes)} are garbage, footers and headers`],
    ['condemned', `${packs.condemnedCount}, ${formatBytes(packs.condemnedBytes)}`],
    [
      'snapshots',
      `${snapshots.length}${report.uncountedCount === 0 ? '' : `, and ${report.uncountedCount} not counted yet`}`,
    ],
    ['of data', `${formatBytes(wholeBytes)}, each snapshot whole`],
    ['stored once', `${formatBytes(distinctBytes)}: ${formatRatio(wholeBytes, distinctBytes)} by sharing`],
    [
      'compressed',
      `${formatBytes(packs.liveBytes)}: ${formatRatio(distinctBytes, packs.liveBytes)} with the pages of the trees`,
    ],
    ['verified', formatPass(report)],
    ['bad copies', String(report.badCopyCount)],
    ['owner', owner === null ? 'nobody yet' : `catalog ${owner.catalogId}, epoch ${owner.ownerEpoch}`],
  ];
  const width = Math.max(...lines.map(([name = '']) => name.length));
  const text = lines.map(([name = '', value]) => `${name.padEnd(width)}  ${value}`).join('\n');
  if (chains.length === 0) return `${text}\n`;
  const rows = chains.map(({ diskId, snapshotCount, ownBytes }) => [
    diskId,
    String(snapshotCount),
    formatBytes(ownBytes),
  ]);
  const table = alignCells([['CHAIN', 'SNAPSHOTS', 'RECORDED'], ...rows], chainColumns);
  return `${text}\n\n${table.join('\n')}\n`;
}

function formatPass({ pass, snapshots }: RepositoryReport): string {
  const times = snapshots.filter(({ dataBytes }) => dataBytes > 0).map(({ verifiedAtMs }) => verifiedAtMs ?? 0);
  const oldest = times.length === 0 ? 0 : Math.min(...times);
  const known = oldest === 0 ? 'not all snapshots yet' : `all snapshots, last at ${formatTime(oldest)}`;
  const all = times.length === 0 ? 'no snapshot is there' : known;
  return pass === null
    ? all
    : `${all}; ${formatBytes(pass.leftBytes)} left of the pass of ${formatTime(pass.startedAtMs)}`;
}

/** A table, a line a snapshot; the name is last, for it is of any width. */
export function formatSnapshots({ snapshots }: RepositoryReport): string {
  const rows = snapshots.map((each) => [
    each.snapshotId,
    each.diskId,
    each.createdAtMs === null ? '–' : formatTime(each.createdAtMs),
    formatBytes(each.dataBytes),
    formatBytes(each.ownBytes),
    each.freedBytes === null ? '…' : formatBytes(each.freedBytes),
    formatVerified(each),
    each.name ?? '',
  ]);
  const titles = ['SNAPSHOT', 'DISK', 'CREATED', 'DATA', 'RECORDED', 'FREES', 'VERIFIED', 'NAME'];
  return `${alignCells([titles, ...rows], snapshotColumns).join('\n')}\n`;
}

function formatVerified({ dataBytes, verifiedAtMs }: RepositoryReport['snapshots'][number]): string {
  if (dataBytes === 0) return '–';
  return verifiedAtMs === null ? 'not yet' : formatTime(verifiedAtMs);
}

function formatRatio(whole: number, part: number): string {
  return part === 0 || whole === 0 ? '–' : `${(whole / part).toFixed(2)} ×`;
}

function formatTime(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}
