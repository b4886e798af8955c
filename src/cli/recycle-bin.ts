/** `hupo recycle-bin list`, `restore` and `empty`: a client of HupoDescribeRecycleBin and the actions beside it. */
import type { CliContext, ConnectOptions } from '../cli.ts';
import { formatBytes } from '../lib/byte-units.ts';
import type { DescribeRecycleBinAnswer, RecycledAnswer } from './answers.ts';
import { formatRows } from './columns.ts';
import { confirm } from './confirm.ts';
import { findConnection } from './connection.ts';
import type { EcsClient } from './ecs-client.ts';
import { withInterrupt } from './interrupt.ts';
import { UsageError } from './usage-error.ts';

export interface BinListOptions extends ConnectOptions {
  json?: true;
}

export interface EmptyOptions extends ConnectOptions {
  all?: true;
  yes?: true;
}

export async function runBinList(options: BinListOptions, context: CliContext): Promise<number> {
  const { client } = findConnection(options, context);
  await withInterrupt(async (signal) => {
    const items = await listBin(client, signal);
    if (options.json === true) context.out(`${JSON.stringify(items)}\n`);
    else context.out(items.length === 0 ? 'The recycle bin is empty.\n' : formatItems(items));
  });
  return 0;
}

export async function runBinRestore(
  ids: readonly string[],
  options: ConnectOptions,
  context: CliContext,
): Promise<number> {
  const { client } = findConnection(options, context);
  await withInterrupt((signal) => client.call('HupoRestoreFromRecycleBin', numbered(ids), signal));
  context.out(`${ids.join(', ')}: restored.\n`);
  return 0;
}

/** Throws a UsageError unless it is told what goes, in one way. */
export async function runBinEmpty(ids: readonly string[], options: EmptyOptions, context: CliContext): Promise<number> {
  const isAll = options.all === true;
  if (isAll === ids.length > 0) throw new UsageError('recycle-bin empty: say which IDs, or --all');
  const { client } = findConnection(options, context);
  return await withInterrupt(async (signal) => {
    if (isAll && options.yes !== true && !(await confirm(await describeAll(client, signal), signal))) {
      context.err('Nothing is deleted.\n');
      return 1;
    }
    await client.call('HupoDeleteFromRecycleBin', isAll ? { All: 'true' } : numbered(ids), signal);
    context.out(isAll ? 'The recycle bin is empty.\n' : `${ids.join(', ')}: deleted for good.\n`);
    return 0;
  });
}

async function describeAll(client: EcsClient, signal: AbortSignal): Promise<string> {
  const { TotalCount: count } = await client.call<DescribeRecycleBinAnswer>('HupoDescribeRecycleBin', {}, signal);
  return `Delete everything in the recycle bin for good (${count} snapshots and disks)?`;
}

async function listBin(client: EcsClient, signal: AbortSignal): Promise<RecycledAnswer[]> {
  const items: RecycledAnswer[] = [];
  let token = '';
  do {
    const page = { MaxResults: '100', ...(token !== '' && { NextToken: token }) };
    const answer = await client.call<DescribeRecycleBinAnswer>('HupoDescribeRecycleBin', page, signal);
    items.push(...answer.Resources.Resource);
    token = answer.NextToken;
  } while (token !== '');
  return items;
}

function formatItems(items: readonly RecycledAnswer[]): string {
  const rows = items.map((item) => [
    ...[
      item.ResourceId,
      item.ResourceType === 'disk' ? '-' : item.SourceDiskId,
      item.DeletionTime,
      item.ExpirationTime,
    ],
    ...[item.HeldSize === undefined ? '?' : formatBytes(item.HeldSize), item.Name],
  ]);
  return formatRows(['ID', 'OF DISK', 'DELETED', 'GOES AT', 'HOLDS', 'NAME'], rows);
}

function numbered(ids: readonly string[]): Record<string, string> {
  return Object.fromEntries(ids.map((id, index) => [`ResourceId.${index + 1}`, id]));
}
