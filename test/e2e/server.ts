/**
 * The real program for a test: `hupo serve` on a folder of its own, its API by signed calls, its parts by process id.
 * `stop()` checks what every test must leave behind: a clean `hupo check`, no process, no socket.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EcsClient } from '../../src/cli/ecs-client.ts';
import type { FetchReport, ServeCalls } from '../../src/control/serve-calls.ts';
import { DISKD_PROTOCOL, type DiskdCalls, type DiskState } from '../../src/disk/protocol.ts';
import { LineClient } from '../../src/lib/line-channel.ts';
import { NbdClient } from '../../src/nbd/client.ts';
import { ensureRunFolder } from '../../src/lib/run-folder.ts';

const root = path.dirname(path.dirname(import.meta.dirname));
const main = path.join(root, 'src', 'main.ts');
const heldUploads = path.join(import.meta.dirname, 'held-uploads.ts');

/** An answer of the API: JSON as documented. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Answer = any;

export class TestServer {
  readonly dataFolder: string;
  readonly runFolder: string;
  #serve: ChildProcess | null = null;
  #client: EcsClient | null = null;
  #caFile: string | null = null;
  #output = '';
  readonly #holdFile: string | null;

  /** While there is a `holdFile`, no transfer worker begins. */
  constructor(
    dataFolder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-e2e-')),
    { holdFile = null }: { holdFile?: string | null } = {},
  ) {
    this.dataFolder = dataFolder;
    this.#holdFile = holdFile;
    this.runFolder = ensureRunFolder(dataFolder, os.tmpdir());
  }

  /** Starts `hupo serve` and waits until it answers. Bytes of what is deleted return at once, unless there is a recycle bin. */
  async start({
    tls = false,
    exchange,
    recycleHours = '0',
    more = [],
  }: { tls?: boolean; exchange?: string; recycleHours?: string; more?: readonly string[] } = {}): Promise<void> {
    this.#output = '';
    const hold = this.#holdFile === null ? [] : ['--import', heldUploads];
    const places = exchange === undefined ? [] : ['--exchange', exchange];
    const options = [...(tls ? ['--tls'] : []), ...places, '--recycle-hours', recycleHours, ...more];
    const command = ['serve', '--data', this.dataFolder, '--listen', '127.0.0.1:0', ...options];
    const env = { ...process.env, ...(this.#holdFile !== null && { HUPO_TEST_HOLD: this.#holdFile }) };
    const child = spawn(process.execPath, [...hold, main, ...command], { stdio: ['ignore', 'pipe', 'pipe'], env });
    this.#serve = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
    const endpoint = await waitFor('the server to answer', 30_000, async () => {
      assert.equal(child.exitCode, null, `serve ended: ${this.#output}`);
      const url = this.#readEndpoint();
      if (url === null) return null;
      if (tls) return url.startsWith('https://') ? url : null;
      const answer = await fetch(`${url}/healthz`).catch(() => null);
      return answer?.status === 200 ? url : null;
    });
    this.#caFile = tls ? path.join(this.dataFolder, 'tls', 'ca.pem') : null;
    const ca = this.#caFile === null ? {} : { ca: fs.readFileSync(this.#caFile, 'utf8') };
    this.#client = new EcsClient({ endpoint, ...this.accessKey, ...ca });
  }

  get accessKey(): { accessKeyId: string; accessKeySecret: string } {
    const text = fs.readFileSync(path.join(this.dataFolder, 'keys', 'root.json'), 'utf8');
    return JSON.parse(text) as { accessKeyId: string; accessKeySecret: string };
  }

  /** The certificate that clients must trust, or null over http. */
  get caFile(): string | null {
    return this.#caFile;
  }

  get output(): string {
    return this.#output;
  }

  get endpoint(): string {
    const url = this.#readEndpoint();
    assert.ok(url, 'the server is not up');
    return url;
  }

  async call(action: string, parameters: Record<string, string | number | boolean> = {}): Promise<Answer> {
    assert.ok(this.#client, 'the server is not up');
    const texts = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, String(value)]));
    return this.#client.call(action, texts);
  }

  /** A call that is made again while it is refused with one of `codes`: something else has to end first. */
  async callWhenAllowed(
    codes: readonly string[],
    action: string,
    parameters: Record<string, string | number | boolean>,
  ): Promise<Answer> {
    return waitFor(`${action} to be allowed`, 120_000, async () => {
      try {
        return await this.call(action, parameters);
      } catch (error) {
        if (codes.includes(String((error as { code?: unknown }).code))) return null;
        throw error;
      }
    });
  }

  /** A snapshot as soon as the disk may have one more. */
  async takeSnapshot(diskId: string): Promise<string> {
    const codes = ['IncorrectDiskStatus.CreatingSnapshot', 'QuotaExceed.ConcurrentSnapshotQuota'];
    return String((await this.callWhenAllowed(codes, 'CreateSnapshot', { DiskId: diskId })).SnapshotId);
  }

  /** Stops the instance, rolls its disk back as soon as both may be, starts it again and waits until the disk is served. */
  async rollBack(instanceId: string, diskId: string, snapshotId: string): Promise<void> {
    await this.callWhenAllowed(['OperationConflict'], 'StopInstance', { InstanceId: instanceId });
    await this.instanceStatus(instanceId, 'Stopped');
    const codes = ['IncorrectDiskStatus.HasUnfinishedSnapshot', 'InvalidSnapshotId.NotReady'];
    await this.callWhenAllowed(codes, 'ResetDisk', { DiskId: diskId, SnapshotId: snapshotId });
    await this.startInstance(instanceId);
    await (await this.connect(diskId)).close();
  }

  async disk(diskId: string): Promise<Answer> {
    const answer = await this.call('DescribeDisks', { DiskIds: JSON.stringify([diskId]) });
    return answer.Disks.Disk[0];
  }

  async snapshot(snapshotId: string): Promise<Answer> {
    const answer = await this.call('DescribeSnapshots', { SnapshotIds: JSON.stringify([snapshotId]) });
    return answer.Snapshots.Snapshot[0];
  }

  /** The snapshot once disks may stand on it: an ESSD disk's when it is frozen and synced. */
  async availableSnapshot(snapshotId: string, timeoutMs = 30_000): Promise<Answer> {
    return waitFor(`snapshot ${snapshotId} to be available`, timeoutMs, async () => {
      const snapshot = await this.snapshot(snapshotId);
      return snapshot?.Available === true ? snapshot : null;
    });
  }

  /** The snapshot once it is no longer progressing. */
  async finishedSnapshot(snapshotId: string, timeoutMs = 120_000): Promise<Answer> {
    return waitFor(`snapshot ${snapshotId} to finish`, timeoutMs, async () => {
      const snapshot = await this.snapshot(snapshotId);
      return snapshot !== undefined && snapshot.Status !== 'progressing' ? snapshot : null;
    });
  }

  async instanceStatus(instanceId: string, status: string): Promise<void> {
    await waitFor(`instance ${instanceId} to be ${status}`, 30_000, async () => {
      const answer = await this.call('DescribeInstances', { InstanceIds: JSON.stringify([instanceId]) });
      return answer.Instances.Instance[0]?.Status === status ? true : null;
    });
  }

  /** A running instance with one data disk; returns both ids and the data disk's NbdUri. */
  async runInstance(
    dataDisk: Record<string, string | number>,
  ): Promise<{ instanceId: string; diskId: string; uri: string }> {
    const disk = Object.fromEntries(Object.entries(dataDisk).map(([name, value]) => [`DataDisk.1.${name}`, value]));
    const images = await this.call('DescribeImages');
    const answer = await this.call('RunInstances', {
      ImageId: images.Images.Image[0].ImageId,
      InstanceType: 'ecs.external.large',
      ...disk,
    });
    const instanceId = String(answer.InstanceIdSets.InstanceIdSet[0]);
    await this.instanceStatus(instanceId, 'Running');
    const disks = await this.call('DescribeDisks', { InstanceId: instanceId, DiskType: 'data' });
    const found = disks.Disks.Disk[0];
    return { instanceId, diskId: found.DiskId, uri: found.NbdUri };
  }

  /** A connection to the disk, asked for until there is one: its socket's path never changes. */
  async connect(diskId: string): Promise<NbdClient> {
    const socketPath = path.join(this.runFolder, `${diskId}.sock`);
    return waitFor(`a connection to ${diskId}`, 30_000, async () =>
      NbdClient.connect({ socketPath, exportName: diskId }).catch(() => null),
    );
  }

  async stopInstance(instanceId: string): Promise<void> {
    await this.call('StopInstance', { InstanceId: instanceId });
    await this.instanceStatus(instanceId, 'Stopped');
  }

  async startInstance(instanceId: string): Promise<void> {
    await this.call('StartInstance', { InstanceId: instanceId });
    await this.instanceStatus(instanceId, 'Running');
  }

  async diskd(): Promise<LineClient<DiskdCalls>> {
    return LineClient.connect<DiskdCalls>(path.join(this.runFolder, 'diskd.sock'));
  }

  /** As `hupo disk fetch --background`. */
  async fetchBase(diskId: string): Promise<FetchReport> {
    const client = await LineClient.connect<ServeCalls>(path.join(this.runFolder, 'serve.sock'));
    try {
      return await client.call('fetch', { diskId, action: 'start' });
    } finally {
      client.close();
    }
  }

  async diskdPid(): Promise<number> {
    const client = await this.diskd();
    try {
      return (await client.call('hello', { protocol: DISKD_PROTOCOL })).pid;
    } finally {
      client.close();
    }
  }

  /** The disk as the data plane sees it. */
  async diskState(diskId: string): Promise<DiskState> {
    const client = await this.diskd();
    try {
      return (await client.call('describeDisk', { diskId })).disk;
    } finally {
      client.close();
    }
  }

  /** Process ids of the data plane of this folder: those that run now, whether they answer or not. */
  diskdPids(): number[] {
    return processes()
      .filter(({ command }) => command.includes('\0diskd\0') && command.includes(this.dataFolder))
      .map(({ pid }) => pid);
  }

  /** Kills the data plane at once; `serve` starts another. Resolves when the new one answers. */
  async killDiskd(): Promise<void> {
    const pid = await this.diskdPid();
    process.kill(pid, 'SIGKILL');
    await waitFor('the data plane to be back', 20_000, async () => {
      const now = await this.diskdPid().catch(() => pid);
      return now === pid ? null : true;
    });
  }

  get servePid(): number {
    assert.ok(this.#serve?.pid, 'the server is not up');
    return this.#serve.pid;
  }

  /** Process ids of the transfer workers of this server. */
  transferPids(): number[] {
    return processes()
      .filter(({ parent, command }) => parent === this.servePid && command.includes('\0transfer'))
      .map(({ pid }) => pid);
  }

  /** Kills `hupo serve` at once and waits until it is gone. */
  async killServe(): Promise<void> {
    const child = this.#serve;
    assert.ok(child, 'the server is not up');
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
    this.#serve = null;
    fs.rmSync(path.join(this.runFolder, 'endpoint'), { force: true });
  }

  serveIsUp(): boolean {
    return this.#serve !== null && this.#serve.exitCode === null && this.#serve.signalCode === null;
  }

  /** SIGTERM, as an operator would; returns the exit code. */
  async terminate(): Promise<number | null> {
    const child = this.#serve;
    assert.ok(child, 'the server is not up');
    const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    child.kill('SIGTERM');
    this.#serve = null;
    return ended;
  }

  /** Runs `hupo …` as a person would. */
  cli(...args: string[]): { status: number | null; stdout: string; stderr: string } {
    const result = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', timeout: 300_000 });
    return { status: result.status, stdout: result.stdout, stderr: result.stderr };
  }

  /** `hupo check`, which must find nothing. */
  checkClean(): void {
    const result = this.cli('check', '--data', this.dataFolder, '--read-data');
    assert.equal(result.status, 0, `hupo check:\n${result.stdout}${result.stderr}`);
  }

  /** Bytes that the repository's objects take. */
  repositoryBytes(): number {
    const folder = path.join(this.dataFolder, 'repository');
    return fs
      .readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.startsWith('index.db'))
      .reduce(
        (sum, entry) =>
          sum + (fs.statSync(path.join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0),
        0,
      );
  }

  /** Ends everything and checks that nothing is left behind; removes the folder. */
  async stop(): Promise<void> {
    const result = this.cli('stop', '--data', this.dataFolder);
    assert.equal(result.status, 0, `hupo stop: ${result.stdout}${result.stderr}`);
    this.#serve = null;
    await waitFor('every process of the folder to end', 10_000, async () =>
      this.leftProcesses().length === 0 ? true : null,
    );
    this.checkClean();
    assert.deepEqual(this.leftSockets(), [], 'sockets are left behind');
    fs.rmSync(this.dataFolder, { recursive: true, force: true });
    fs.rmSync(this.runFolder, { recursive: true, force: true });
  }

  /** After a failed test: ends every process of the folder and removes it. */
  abandon(): void {
    for (const left of this.leftProcesses()) process.kill(Number(left.split(' ')[0]), 'SIGKILL');
    fs.rmSync(this.dataFolder, { recursive: true, force: true });
    fs.rmSync(this.runFolder, { recursive: true, force: true });
  }

  leftProcesses(): string[] {
    return processes()
      .filter(({ command }) => command.includes(this.dataFolder) && command.includes('main.ts'))
      .map(({ pid, command }) => `${pid} ${command.replaceAll('\0', ' ')}`);
  }

  leftSockets(): string[] {
    if (!fs.existsSync(this.runFolder)) return [];
    return fs.readdirSync(this.runFolder).filter((name) => name.endsWith('.sock'));
  }

  #readEndpoint(): string | null {
    const file = path.join(this.runFolder, 'endpoint');
    return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim() || null : null;
  }
}

function processes(): { pid: number; parent: number; command: string }[] {
  const found = [];
  for (const name of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const command = fs.readFileSync(`/proc/${name}/cmdline`, 'utf8');
      const parent = Number(/\) \S (\d+)/.exec(fs.readFileSync(`/proc/${name}/stat`, 'utf8'))?.[1]);
      found.push({ pid: Number(name), parent, command });
    } catch {
      // it ended while we looked
    }
  }
  return found;
}

/** Asks every 50 ms until `look` gives something; fails with `what` after `timeoutMs`. */
export async function waitFor<T>(what: string, timeoutMs: number, look: () => Promise<T | null>): Promise<T> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (performance.now() > until) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await delay(50);
  }
}
