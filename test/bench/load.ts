/** Load by fio over NBD, and what a process spent on it. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';

export const MIB = 1024 ** 2;

export interface LoadResult {
  iops: number;
  mibPerSecond: number;
  p99Ms: number;
  ios: number;
}

export interface Load {
  rw: 'randread' | 'randwrite' | 'read' | 'write';
  blockBytes: number;
  depth: number;
  sizeBytes: number;
  /** Run so long, over and over; without it the whole size once, or `count` requests. */
  seconds?: number;
  /** So many requests. */
  count?: number;
  /** Leave so many bytes out after each request of a sequential load. */
  skipBytes?: number;
  /** Requests a second at most. */
  rate?: number;
  /** A FLUSH after so many writes. */
  fsync?: number;
  /** No block twice: for cold reads, which would be hot the second time. */
  once?: boolean;
  /** Random bytes anew for each write, so that no two chunks are alike; else one buffer, barely changed, and less work. */
  refill?: boolean;
}

/** Runs one fio job on an NBD URI. */
export async function fio(uri: string, load: Load): Promise<LoadResult> {
  const text = await output('fio', fioArguments(uri, load));
  const parsed = JSON.parse(text.slice(text.indexOf('{'))) as { jobs: Record<string, FioSide>[] };
  const side = parsed.jobs[0]?.[load.rw.endsWith('read') ? 'read' : 'write'];
  if (side === undefined) throw new Error(`fio said nothing useful: ${text}`);
  return {
    iops: side.iops,
    mibPerSecond: side.bw_bytes / MIB,
    p99Ms: (side.clat_ns.percentile?.['99.000000'] ?? 0) / 1e6,
    ios: side.total_ios,
  };
}

function fioArguments(uri: string, load: Load): string[] {
  const optional = (name: string, value: number | undefined) => (value === undefined ? [] : [`--${name}=${value}`]);
  return [
    '--name=load',
    '--ioengine=nbd',
    `--uri=${uri}`,
    `--rw=${load.rw}${load.skipBytes === undefined ? '' : `:${load.skipBytes}`}`,
    `--bs=${load.blockBytes}`,
    `--iodepth=${load.depth}`,
    `--size=${load.sizeBytes}`,
    '--output-format=json',
    '--randrepeat=0',
    ...(load.once === true ? [] : ['--norandommap']),
    ...(load.refill === true ? ['--refill_buffers'] : []),
    ...(load.seconds === undefined ? [] : ['--time_based', `--runtime=${load.seconds}`]),
    ...optional('number_ios', load.count),
    ...optional('rate_iops', load.rate === undefined ? undefined : Math.round(load.rate)),
    ...optional('fsync', load.fsync),
  ];
}

interface FioSide {
  iops: number;
  bw_bytes: number;
  total_ios: number;
  clat_ns: { percentile?: Record<string, number> };
}

/** Standard output of a program that must succeed. */
export async function output(command: string, args: string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${err}${out}`);
  return out;
}

/** Processor time that a process has used, all its threads, in microseconds. */
export function cpuUs(pid: number): number {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

/** Everything dirty is written to the device: what runs next does not pay for what ran before. */
export async function settle(): Promise<void> {
  await output('sync', []);
}

export async function dropCaches(): Promise<void> {
  await settle();
  await fs.promises.writeFile('/proc/sys/vm/drop_caches', '3');
}
