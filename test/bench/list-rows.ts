/**
 * P9: signed DescribeSnapshots over HTTP, one server on one core, a million snapshots in its catalog. The questions are those
 * of clients: by ids, of a disk, of an instance, by status, name, tag and time, the first pages, one by token, one far down. In
 * each round every question comes once, about another disk, snapshot or page; connections stay open, as the SDKs' do.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { signRequest } from '../../src/lib/acs3-request.ts';
import { nodeDigests } from '../../src/lib/node-digests.ts';
import { formatSecond } from '../../src/ecs/times.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { newUuid, systemRandom } from '../../src/lib/random.ts';
import { TestServer, waitFor } from '../e2e/server.ts';
import { fastHome, withFolder } from './bed.ts';
import { idOf, known, LARGE, writeLargeCatalog } from './large-catalog.ts';
import { cpuUs } from './load.ts';
import { formatFigure, limitRow, quantile, type BenchOptions, type Row, type RowMaker } from './row.ts';

const MOST_MS = 20;
const LEAST_RATE = 1500;
const CATALOG_BYTES = 2 * 1024 ** 3;
const CLIENTS = 16;

type Parameters = Record<string, string>;

export const listRows: RowMaker = { targets: ['P9'], make: makeRows };

async function makeRows(options: BenchOptions): Promise<Row[]> {
  const { quick, leftovers } = options;
  const size = quick ? { snapshotCount: 50_000, diskCount: 5000 } : LARGE;
  const measure = async (folder: string) => {
    const server = new TestServer(path.join(folder, 'data'));
    fs.mkdirSync(server.dataFolder, { mode: 0o700, recursive: true });
    await writeLargeCatalog(path.join(server.dataFolder, 'catalog.db'), size);
    const remove = leftovers.add(() => server.cli('stop', '--data', server.dataFolder));
    try {
      await server.start();
      await rested(server);
      pin(server.servePid, 0);
      pin(process.pid, os.cpus().length - 1);
      return await ask(server, size.snapshotCount, quick ? 20 : 300);
    } finally {
      remove();
    }
  };
  return await withFolder(options, measure, fastHome(CATALOG_BYTES));
}

/** What a server does at its start, once for all snapshots, is over. */
async function rested(server: TestServer): Promise<void> {
  await waitFor('the server to rest', 300_000, async () => {
    const before = cpuUs(server.servePid);
    await delay(1000);
    return cpuUs(server.servePid) - before < 100_000 ? true : null;
  });
}

function pin(pid: number, core: number): void {
  const { status, stderr } = spawnSync('taskset', ['-a', '-c', '-p', String(core), String(pid)], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`taskset: ${stderr}`);
}

async function ask(server: TestServer, snapshotCount: number, rounds: number): Promise<Row[]> {
  const asker = new Asker(server);
  const { NextToken: token } = await asker.ask({ PageNumber: '500', PageSize: '100' });
  const questions = questionsWith(String(token), snapshotCount);
  for (const question of questions) for (let round = 0; round < 20; round += 1) await asker.ask(question(round));
  const times = new Map(questions.map((question) => [question, [] as number[]]));
  for (let round = 0; round < rounds; round += 1) {
    for (const question of questions) times.get(question)?.push(await asker.time(question(round)));
  }
  const all = [...times.values()].flat();
  const slowest = [...times].map(([question, each]) => ({ what: question(0), p99: quantile(each, 0.99) }));
  const [worst] = slowest.toSorted((a, b) => b.p99 - a.p99);
  const whole = questions.length * rounds;
  const inTurn = (index: number) => questions[index % questions.length]?.(index) ?? {};
  const mixed = await rateOf(server, () => asker.rate(whole, inTurn), whole);
  const first = await rateOf(server, () => asker.rate(whole, () => ({})), whole);
  asker.close();
  const count = snapshotCount.toLocaleString('en');
  const told = Object.entries(worst?.what ?? {}).map(([name, value]) => `${name}=${value.slice(0, 24)}`);
  const what = `DescribeSnapshots, signed, ${count} snapshots, ${questions.length} questions of clients by turns`;
  return [
    limitRow('P9', `${what}, p99 (median ${quantile(all, 0.5).toFixed(1)} ms)`, quantile(all, 0.99), 'ms', MOST_MS),
    limitRow('P9', `p99 of the slowest of them (${told.join(', ')})`, worst?.p99 ?? NaN, 'ms', null),
    rateRow(`the same, ${CLIENTS} clients at once, server on one core`, mixed),
    rateRow(`the first page alone, ${CLIENTS} clients at once, server on one core`, first),
  ];
}

interface Rate {
  perSecond: number;
  /** Of the server. */
  cpuUs: number;
}

async function rateOf(server: TestServer, measure: () => Promise<number>, count: number): Promise<Rate> {
  const start = cpuUs(server.servePid);
  const perSecond = await measure();
  return { perSecond, cpuUs: (cpuUs(server.servePid) - start) / count };
}

function rateRow(what: string, { perSecond: rate, cpuUs: cpu }: Rate): Row {
  const [wanted, reached] = [`≥ ${LEAST_RATE.toLocaleString('en')}/s`, rate >= LEAST_RATE];
  return {
    target: 'P9',
    what,
    ours: `${formatFigure(rate, 'requests/s')} (${cpu.toFixed(0)} µs of CPU each)`,
    peer: '–',
    ratio: '–',
    wanted,
    reached,
  };
}

/** Each about other things in each round. */
function questionsWith(token: string, snapshotCount: number): ((round: number) => Parameters)[] {
  const snapshot = (round: number) => idOf('s', (round * 7919) % snapshotCount);
  const filter = (key: string, ms: number) => ({ 'Filter.1.Key': key, 'Filter.1.Value': formatSecond(ms) });
  return [
    () => ({}),
    () => ({ PageSize: '100' }),
    (round) => ({ PageNumber: String(2 + (round % 20)), PageSize: '50' }),
    (round) => ({ PageNumber: String(1 + ((round * 7919) % (snapshotCount / 10))) }),
    () => ({ NextToken: token, MaxResults: '100' }),
    (round) => ({ SnapshotIds: JSON.stringify([snapshot(round)]) }),
    (round) => ({ SnapshotIds: JSON.stringify([1, 2, 3, 4, 5].map((more) => snapshot(round + more))) }),
    (round) => ({ DiskId: idOf('d', round * 14) }),
    (round) => ({ DiskId: idOf('d', round * 14), Status: 'accomplished' }),
    (round) => ({ InstanceId: idOf('i', round * 3) }),
    () => ({ Status: 'progressing' }),
    () => ({ Status: 'accomplished', SourceDiskType: 'system' }),
    () => ({ Category: 'Archive', Usage: 'none' }),
    () => ({ Usage: 'disk' }),
    (round) => ({ SnapshotName: `snapshot-${round * 10 + 7}` }),
    (round) => ({ 'Tag.1.Key': 'team', 'Tag.1.Value': `team-${round % 100}` }),
    () => ({ 'Tag.1.Key': 'env', 'Tag.1.Value': 'prod' }),
    (round) => filter('CreationStartTime', known.lastMs - (round % 50) * 86_400_000),
    () => ({ ResourceGroupId: known.resourceGroupId }),
  ];
}

/** Signs and asks, over connections that stay open. */
class Asker {
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: CLIENTS });
  readonly #endpoint: URL;
  readonly #key: { accessKeyId: string; accessKeySecret: string };

  constructor(server: TestServer) {
    this.#endpoint = new URL(server.endpoint);
    this.#key = server.accessKey;
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Milliseconds. */
  async time(parameters: Parameters): Promise<number> {
    const start = performance.now();
    await this.ask(parameters);
    return performance.now() - start;
  }

  /** Requests a second, of so many. */
  async rate(count: number, parametersOf: (index: number) => Parameters): Promise<number> {
    let asked = 0;
    const start = performance.now();
    const client = async () => {
      while (asked < count) await this.ask(parametersOf(asked++));
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    return (asked * 1000) / (performance.now() - start);
  }

  async ask(parameters: Parameters): Promise<Record<string, unknown>> {
    const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>();
    const {
      method,
      path: target,
      headers,
    } = signRequest(
      this.#key,
      {
        action: 'DescribeSnapshots',
        parameters: { RegionId: 'cn-hangzhou', ...parameters },
        host: this.#endpoint.host,
        date: formatSecond(systemClock.nowMs()),
        nonce: newUuid(systemRandom),
      },
      nodeDigests,
    );
    const { hostname, port } = this.#endpoint;
    const request = http.request({ agent: this.#agent, hostname, port, method, path: target, headers }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.on('end', () => {
        const text = Buffer.concat(pieces).toString('utf8');
        if (answer.statusCode === 200) resolve(JSON.parse(text) as Record<string, unknown>);
        else reject(new Error(`${JSON.stringify(parameters)}: ${text}`));
      });
      answer.on('error', reject);
    });
    request.on('error', reject);
    request.end();
    return await promise;
  }
}
