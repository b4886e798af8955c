/** P10 and P11: the memory that a hundred disks take, and how soon they answer again after diskd was killed. */
import fs from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { OperationalError } from '../../src/lib/errors.ts';
import { NbdClient } from '../../src/nbd/client.ts';
import { mapping } from './bed.ts';
import { CHUNK_BYTES, MAPPED_BYTES, withFleet, type Fleet } from './fleet.ts';
import { killNow } from './leftovers.ts';
import { limitRow, median, type BenchOptions, type Row, type RowMaker } from './row.ts';

const DISK_COUNT = 100;
const MOST_MEGABYTES = 1000;
const MOST_MS = 2000;
const RETRY_MS = 10;
/** A diskd that dies younger than this is taken for one that cannot live, and started again later. */
const STABLE_MS = 11_000;

export const fleetRows: RowMaker = { targets: ['P10', 'P11'], make: makeRows };

async function makeRows(options: BenchOptions): Promise<Row[]> {
  const { quick, asked } = options;
  return withFleet(options, quick ? 20 : DISK_COUNT, async (fleet) => {
    const rows: Row[] = [];
    if (asked('P10')) rows.push(...(await memoryRows(fleet, quick ? 200 : 2000)));
    if (asked('P11')) rows.push(...(await killRows(fleet, quick ? 1 : 3)));
    return rows;
  });
}

/** After every disk has been read all over, and with a client on each. */
async function memoryRows(fleet: Fleet, reads: number): Promise<Row[]> {
  const clients = await Promise.all(fleet.disks.map(async ({ uri }) => NbdClient.connect(uri)));
  const before = residentMegabytes(fleet);
  await Promise.all(clients.map(async (client) => readAllOver(client, reads)));
  const after = residentMegabytes(fleet);
  const { dataChunkCount } = await mapping(fleet, fleet.disks.at(-1)?.diskId ?? '');
  await Promise.all(clients.map(async (client) => client.close()));
  const mapped = `${((dataChunkCount * CHUNK_BYTES) / 1024 ** 3).toFixed(1)} GiB mapped and ${fleet.viewCount} views each`;
  const what = `memory of all processes, ${fleet.disks.length} disks with a client each, ${mapped}, read all over (before: ${before.all.toFixed(0)} MB)`;
  const anonymous = `of it not of any file (${after.processes.join(', ')})`;
  return [
    limitRow('P10', what, after.all, 'MB', MOST_MEGABYTES),
    limitRow('P10', anonymous, after.anonymous, 'MB', null),
  ];
}

async function readAllOver(client: NbdClient, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await client.read(randomChunk() * CHUNK_BYTES, 4096);
}

function randomChunk(): number {
  return Math.floor((Math.random() * MAPPED_BYTES) / CHUNK_BYTES);
}

/** VmRSS of every process of the folder; what several share is counted in each. */
function residentMegabytes({ server }: Fleet): { all: number; anonymous: number; processes: string[] } {
  let [all, anonymous] = [0, 0];
  const processes = server.leftProcesses().map((line) => {
    const [pid = ''] = line.split(' ');
    const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
    const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
    all += field('VmRSS') / 1e6;
    anonymous += field('RssAnon') / 1e6;
    return `${/main\.ts (\S+)/.exec(line)?.[1] ?? pid} ${(field('VmRSS') / 1e6).toFixed(0)} MB`;
  });
  return { all, anonymous, processes };
}

/** Each client writes, loses diskd to SIGKILL, and asks again until a read is answered. */
async function killRows(fleet: Fleet, kills: number): Promise<Row[]> {
  const first: number[] = [];
  const last: number[] = [];
  for (let kill = 0; kill < kills; kill += 1) {
    const taken = await killOnce(fleet);
    first.push(Math.min(...taken));
    last.push(Math.max(...taken));
    if (kill < kills - 1) await delay(STABLE_MS);
  }
  const row = (which: string, times: number[]) => {
    const what = `SIGKILL of diskd under writes until a read is answered, ${which} of ${fleet.disks.length} disks, median of ${kills} (most ${Math.max(...times).toFixed(0)} ms)`;
    return limitRow('P11', what, median(times), 'ms', MOST_MS);
  };
  return [row('first', first), row('last', last)];
}

/** Milliseconds from the kill to each disk's first answer. */
async function killOnce({ server, disks }: Fleet): Promise<number[]> {
  const clients = await Promise.all(disks.map(async ({ uri }) => NbdClient.connect(uri)));
  const block = Buffer.alloc(4096, 5);
  const writing = clients.map(async (client) => {
    for (;;) await client.write(randomChunk() * CHUNK_BYTES, block);
  });
  await delay(1000);
  const pid = await server.diskdPid();
  const start = performance.now();
  killNow(pid);
  await Promise.allSettled(writing);
  return Promise.all(
    disks.map(async ({ uri }) => {
      await answered(uri);
      return performance.now() - start;
    }),
  );
}

/** Connects and reads until that succeeds. */
async function answered(uri: string): Promise<void> {
  for (;;) {
    try {
      const client = await NbdClient.connect(uri);
      await client.read(randomChunk() * CHUNK_BYTES, 4096);
      client.destroy();
      return;
    } catch (error) {
      if (!(error instanceof OperationalError)) throw error;
    }
    await delay(RETRY_MS);
  }
}
