/**
 * `npm run bench [-- P1 P5 …] [-- --quick]`: the targets of the design as a table, each peer measured in the same run
 * on the same data. Prints what is, reached or not, each row as soon as it is known and all of them at the end. Needs fio,
 * qemu-utils, nbdkit, restic, zstd, e2fsprogs, borgbackup (its rows are left out where it is not there), and root (it drops
 * the page cache); about 30 minutes whole.
 */
import os from 'node:os';
import fs from 'node:fs';
import { spawnSync } from 'node:child_process';
import { hasBorg } from './archivers.ts';
import { firstSnapshotRows } from './first-snapshot-rows.ts';
import { fleetRows } from './fleet-rows.ts';
import { freezeRows } from './freeze-rows.ts';
import { hotRows } from './hot-rows.ts';
import { instantRows } from './instant-rows.ts';
import { Leftovers } from './leftovers.ts';
import { listRows } from './list-rows.ts';
import { nextSnapshotRows } from './next-snapshot-rows.ts';
import { restoreRows } from './restore-rows.ts';
import { steadyRows } from './steady-rows.ts';
import { uploadRows } from './upload-rows.ts';
import { formatRow, type BenchOptions, type Row, type RowMaker } from './row.ts';

const makers: RowMaker[] = [
  ...[hotRows, steadyRows, freezeRows, uploadRows],
  ...[firstSnapshotRows, nextSnapshotRows, instantRows, restoreRows, listRows, fleetRows],
];
const needed = ['fio', 'qemu-nbd', 'qemu-img', 'nbdkit', 'restic', 'zstd', 'mkfs.ext4', 'taskset'];

await run(process.argv.slice(2));

async function run(args: string[]): Promise<void> {
  const names = args.filter((arg) => !arg.startsWith('--'));
  checkArguments(names);
  const leftovers = new Leftovers();
  leftovers.listen();
  const options: BenchOptions = {
    quick: args.includes('--quick'),
    asked: (target) => names.length === 0 || names.includes(target),
    leftovers,
  };
  if (lacksBorg(options)) console.error('bench: borg is not installed (borgbackup): the rows beside it are left out');
  const rows = await measure(options);
  const without = lacksBorg(options) ? ', without borg' : '';
  console.log(`${machine()}${options.quick ? ', --quick' : ''}${without}\n`);
  console.log('| | what | Hupo | peer | ratio | target |\n|---|---|---|---|---|---|');
  for (const row of rows) console.log(formatRow(row));
}

function checkArguments(names: string[]): void {
  const targets = makers.flatMap((maker) => maker.targets);
  for (const name of names) {
    if (!targets.includes(name)) throw new Error(`no row ${name}; there are ${targets.join(', ')}`);
  }
  const missing = needed.filter((program) => spawnSync('which', [program]).status !== 0);
  if (missing.length > 0) throw new Error(`install first: ${missing.join(', ')}`);
}

function lacksBorg({ asked }: BenchOptions): boolean {
  return ['P5', 'P6', 'P8'].some(asked) && !hasBorg();
}

async function measure(options: BenchOptions): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { targets, make } of makers) {
    if (!targets.some(options.asked)) continue;
    console.error(`bench: ${targets.join(', ')} …`);
    const start = performance.now();
    const made = (await make(options)).filter((row) => options.asked(row.target));
    for (const row of made) console.error(formatRow(row));
    console.error(`bench: ${targets.join(', ')} took ${Math.round((performance.now() - start) / 1000)} s`);
    rows.push(...made);
  }
  return rows;
}

function machine(): string {
  const cpu = os.cpus()[0]?.model ?? 'unknown processor';
  const memory = `${Math.round(os.totalmem() / 1024 ** 3)} GiB`;
  const debian = fs.existsSync('/etc/debian_version')
    ? `Debian ${fs.readFileSync('/etc/debian_version', 'utf8').trim()}`
    : os.type();
  return `${os.cpus().length} × ${cpu}, ${memory}, ${debian}, Linux ${os.release()}, Node ${process.version}`;
}
