/**
 * `npm run bench [-- P1 P5 …] [-- --quick]`: the targets of the design as a table, each peer measured in the same run
 * on the same data. Prints what is, reached or not. Needs fio, qemu-utils, restic, zstd, e2fsprogs; about 20 minutes whole.
 */
import os from 'node:os';
import fs from 'node:fs';
import { spawnSync } from 'node:child_process';
import { engineRows } from './engine-rows.ts';
import { repositoryRows } from './repository-rows.ts';
import { freezeRows } from './freeze-rows.ts';
import type { BenchOptions, Row, RowMaker } from './row.ts';

const makers: Record<string, RowMaker> = { ...engineRows, ...freezeRows, ...repositoryRows };
const args = process.argv.slice(2);
const options: BenchOptions = { quick: args.includes('--quick') };
const asked = args.filter((arg) => !arg.startsWith('--'));
for (const name of asked) {
  if (makers[name] === undefined) throw new Error(`no row ${name}; there are ${Object.keys(makers).join(', ')}`);
}
const needed = ['fio', 'qemu-nbd', 'qemu-img', 'restic', 'zstd', 'mkfs.ext4'];
const missing = needed.filter((program) => spawnSync('which', [program]).status !== 0);
if (missing.length > 0) throw new Error(`install first: ${missing.join(', ')}`);

const rows: Row[] = [];
for (const [name, make] of Object.entries(makers)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  console.error(`bench: ${name} …`);
  rows.push(...(await make(options)));
}
console.log(machine());
console.log('\n| | what | Hupo | peer | ratio | target |\n|---|---|---|---|---|---|');
for (const row of rows) {
  console.log(
    `| ${row.target} | ${row.what} | ${row.ours} | ${row.peer} | ${row.ratio} | ${row.wanted} ${row.reached ? '✓' : '✗'} |`,
  );
}

function machine(): string {
  const cpu = os.cpus()[0]?.model ?? 'unknown processor';
  const memory = `${Math.round(os.totalmem() / 1024 ** 3)} GiB`;
  const debian = fs.existsSync('/etc/debian_version')
    ? `Debian ${fs.readFileSync('/etc/debian_version', 'utf8').trim()}`
    : os.type();
  return `${os.cpus().length} × ${cpu}, ${memory}, ${debian}, Linux ${os.release()}, Node ${process.version}${options.quick ? ', --quick' : ''}`;
}
