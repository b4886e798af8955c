/** Load by fio over NBD, and what a process spent on it. */
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';

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
  seconds: number;
  sizeBytes: number;
  /** Requests a second at most. */
  rate?: number;
  /** Fill the whole size once instead of running for a time. */
  fill?: boolean;
}

/** Runs one fio job on an NBD URI. */
export async function fio(uri: string, load: Load): Promise<LoadResult> {
  const args = [
    '--name=load',
    '--ioengine=nbd',
    `--uri=${uri}`,
    `--rw=${load.rw}`,
    `--bs=${load.blockBytes}`,
    `--iodepth=${load.depth}`,
    `--size=${load.sizeBytes}`,
    '--output-format=json',
    '--randrepeat=0',
    '--norandommap',
    '--refill_buffers',
    ...(load.fill === true ? [] : ['--time_based', `--runtime=${load.seconds}`]),
    ...(load.rate === undefined ? [] : [`--rate_iops=${Math.round(load.rate)}`]),
  ];
  const text = await output('fio', args);
  const parsed = JSON.parse(text.slice(text.indexOf('{'))) as { jobs: Record<string, FioSide>[] };
  const side = parsed.jobs[0]?.[load.rw.endsWith('read') ? 'read' : 'write'];
  if (side === undefined) throw new Error(`fio said nothing useful: ${text}`);
  return {
    iops: side.iops,
    mibPerSecond: side.bw_bytes / 1024 ** 2,
    p99Ms: (side.clat_ns.percentile?.['99.000000'] ?? 0) / 1e6,
    ios: side.total_ios,
  };
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

export function dropCaches(): void {
  spawnSync('sync');
  fs.writeFileSync('/proc/sys/vm/drop_caches', '3');
}
